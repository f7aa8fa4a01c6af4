/* ---- words and numbers: text from the data only ever becomes text ---- */
const data = JSON.parse(document.getElementById("siteplan-data").textContent);
let language = data.language, words = data.words[language];
const say = (said) => (said && typeof said === "object" ? said[language] : said || "");
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => value !== null && node.setAttribute(name, value));
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
function number(value) {
  if (value === null || value === undefined) return "–";
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1;
  const [whole, part] = Math.abs(value).toFixed(digits).split(".");
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, words.thousands);
  return (value < 0 ? "−" : "") + apart + (part ? words.decimal + part : "");
}
// a count of people; one so small that it might tell who they are is only said to be small
const few = (value) => value !== null && value > 0 && value < data.threshold;
const count = (value) => (few(value) ? `< ${number(data.threshold)}` : number(value));
const percent = (part, whole) => (whole > 0 && !few(part) ? `${number(Math.round((1000 * part) / whole) / 10)} %` : "–");
const score = (value) => (value === null ? "–" : value.toFixed(1).replace(".", words.decimal));
const called = (at) => (data.sites[at].name === data.sites[at].id ? data.sites[at].id : `${data.sites[at].name} (${data.sites[at].label})`);
const modeName = (mode) => words[`mode_${mode}`] || mode;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const groupName = (subject) => (subject === "people" ? words.people : words[`group_${subject}`] || subject.replaceAll("_", " "));
const minutes = (value) => `${number(value)} ${words.minute}`;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
const plural = (name, value) => (value === 0 && words[`${name}_none`]) || (value === 1 && words[`${name}_one`]) || words[name];
function button(text, kind, action, label) {
  const made = el("button", { class: kind, type: "button", "aria-label": label || null }, text);
  made.addEventListener("click", action);
  return made;
}
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
