/** The service worker that keeps the page on the device. */

/** @param {() => boolean} isIdle whether nothing would be lost if the page were loaded anew */
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
  } catch {
    // Some browsers have none in private windows, and none without https. The page works without.
  }
}
