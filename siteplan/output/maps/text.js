/* ---- words and numbers: text from the data only ever becomes text ---- */
const data = JSON.parse(document.getElementById("siteplan-data").textContent);
let language = data.language, words = data.words[language];
const say = (said) => (said && typeof said === "object" ? said[language] ?? Object.values(said)[0] : said || "");
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => value !== null && node.setAttribute(name, value));
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
const written = (value, digits) => new Intl.NumberFormat(words.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value).replace("-", "−");
function number(value) {
  if (value === null || value === undefined) return "–";
  return written(value, Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : 1);
}
// a count of people; one so small that it might tell who they are is only said to be small
const few = (value) => value !== null && value > 0 && value < data.threshold;
const count = (value) => (few(value) ? `< ${number(data.threshold)}` : number(value));
const inPercent = (value) => fill(words.percent, { value: number(value) });
const percent = (part, whole) => (whole > 0 && !few(part) ? inPercent(Math.round((1000 * part) / whole) / 10) : "–");
const score = (value) => (value === null ? "–" : written(value, 1));
const called = (at, shown = data.sites[at].name) => (data.sites[at].name === data.sites[at].id ? shown : `${shown} (${data.sites[at].label})`);
const setOff = (at) => called(at, data.sites[at].name.includes(",") ? fill(words.quoted, { text: data.sites[at].name }) : undefined); // in a list
const modeName = (mode) => words[`mode_${mode}`] || mode;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const groupName = (subject) => (subject === "people" ? words.people : words[`group_${subject}`] || subject.replaceAll("_", " "));
const minutes = (value) => `${number(value)} ${words.minute}`;
const money = (value) => fill(words[!data.currency ? "money_none" : /^\p{L}/u.test(data.currency) ? "money_code" : "money_sign"], { value: number(value), currency: data.currency });
const fill = (text, values) => elided(text, values).replace(/\{(\w+)\}/g, (_, name) => values[name]);
// as `Words.fill` does: de, que and the like before a vowel
const elided = (text, values) => (!words.elides ? text : text.replace(new RegExp(`\\b(${words.elides}) \\{(\\w+)\\}`, "gi"),
  (all, before, name) => (new RegExp(`^(?:${words.elided})`, "i").test(values[name]) ? `${before.slice(0, -1)}’{${name}}` : all)));
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
// the form of a text for a number of things: one of its own, or by the plural rules of the language
function plural(name, value, values) {
  const forms = words[name], form = forms[value] || forms[new Intl.PluralRules(words.locale).select(value)] || forms.other || forms;
  return fill(form, { count: number(value), ...values });
}
function button(text, kind, action, label) {
  const made = el("button", { class: kind, type: "button", "aria-label": label || null }, text);
  made.addEventListener("click", action);
  return made;
}
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
