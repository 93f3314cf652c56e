// What holds for every view, as `tests/web/test_view.py` asks. Lengths are pixels of the screen: node view_properties.js
import { View } from "../page/view.js";

let state = 1;
const random = () => {
  state = (state * 16807) % 2147483647;
  return state / 2147483647;
};
const most = { moved: 0, emptyRoom: 0, offGrid: 0 };
for (let trial = 0; trial < 2000; trial++) {
  const ratio = 1 + 2 * random();
  const frame = { width: 600, height: 500 };
  const picture = { width: 3000, height: 2500 };
  const view = new View(picture, frame, ratio);
  const point = { x: 600 * random(), y: 500 * random() };
  view.zoomTo(1 + random(), { x: 600 * random(), y: 500 * random() });
  const before = view.at(point);
  view.zoomBy(1 + 3 * random(), point);
  const after = view.at(point);
  const moved = Math.max(Math.abs(after.x - before.x), Math.abs(after.y - before.y));
  most.moved = Math.max(most.moved, moved * view.scale * ratio);
  view.pan(20_000 * (random() - 0.5), 20_000 * (random() - 0.5));
  const { left, top, right, bottom } = view.place();
  most.emptyRoom = Math.max(
    most.emptyRoom,
    ...[left, top, frame.width - right, frame.height - bottom].map((room) => room * ratio),
  );
  for (const length of [left * ratio, top * ratio]) {
    most.offGrid = Math.max(most.offGrid, Math.abs(length - Math.round(length)));
  }
}
console.log(JSON.stringify(most));
