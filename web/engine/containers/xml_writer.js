/** Writes XML as Python's minidom does, so that both engines change packets of XMP alike. */

/** @typedef {import("./xml.js").Node} Node */

/** @type {Record<string, string>} */
const ESCAPES = { "&": "&amp;", "<": "&lt;", '"': "&quot;", ">": "&gt;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

/**
 * Write nodes.
 *
 * @param {Node[]} nodes
 * @returns {string}
 */
export function writeXml(nodes) {
  return nodes.map(writeNode).join("");
}

/**
 * @param {Node} node
 * @returns {string}
 */
function writeNode(node) {
  switch (node.kind) {
    case "text":
      return node.data.replace(/[&<">\r]/g, (character) => ESCAPES[character]);
    case "section":
      return `<![CDATA[${node.data}]]>`;
    case "comment":
      return `<!--${node.data}-->`;
    case "instruction":
      return `<?${node.target} ${node.data}?>`;
    default: {
      const attributes = Array.from(node.attributes.values(), ({ name, value }) => {
        return ` ${name}="${value.replace(/[&<">\t\n\r]/g, (character) => ESCAPES[character])}"`;
      });
      const start = `<${node.name}${attributes.join("")}`;
      return node.children.length > 0 ? `${start}>${writeXml(node.children)}</${node.name}>` : `${start}/>`;
    }
  }
}
