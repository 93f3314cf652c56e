/** The service worker that keeps the page on the device. */

/**
 * @param {() => boolean} isIdle whether nothing would be lost if the page were loaded anew
 * @returns {Promise<void>} comes when what is downloaded from then on is kept, or is known never to be
 */
export async function keepOffline(isIdle) {
  const container = navigator.serviceWorker;
  if (!container) {
    return;
  }
  const wasControlled = Boolean(container.controller);
  try {
    const registration = await container.register("sw.js");
    const takeOver = () => {
      // A new version of the site, and nobody has begun with the old one.
      if (wasControlled && registration.waiting && isIdle()) {
        container.addEventListener("controllerchange", () => isIdle() && location.reload(), { once: true });
        registration.waiting.postMessage("take over");
      }
    };
    const watch = () => registration.installing?.addEventListener("statechange", takeOver);
    takeOver();
    watch();
    registration.addEventListener("updatefound", watch);
    if (!container.controller) {
      await control(container, registration.installing ?? registration.waiting ?? registration.active);
    }
  } catch {
    // Some browsers have none in private windows, and none without https. The page works without.
  }
}

/**
 * Until a service worker has the page, or has failed.
 *
 * @param {ServiceWorkerContainer} container
 * @param {ServiceWorker | null} worker
 */
async function control(container, worker) {
  // It claims the page right after it is active.
  const patience = 1000;
  await new Promise((resolve) => {
    const look = () => {
      if (container.controller || !worker || worker.state === "redundant") {
        resolve(null);
      } else if (worker.state === "activated") {
        setTimeout(resolve, patience);
      }
    };
    container.addEventListener("controllerchange", look);
    worker?.addEventListener("statechange", look);
    look();
  });
}
