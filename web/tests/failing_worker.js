/** A worker that throws what it is told to throw. */

import { serve } from "../engine/messages.js";

serve({
  /** @param {{name: string, message: string}} error */
  async fail({ name, message }) {
    throw Object.assign(new Error(message), { name });
  },
});
