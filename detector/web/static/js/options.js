// The options of a reading: the fields of the form, and the query that the server gets.

/**
 * @typedef {object} Field
 * @property {string} name of the field and, with `choice` as the only exception, of the option of /api/read
 * @property {string} label
 * @property {"text" | "lines" | "check" | "choice" | "range"} kind
 * @property {string} [initial] the value without effect; empty if left out
 * @property {string} [hint]
 * @property {string} [placeholder]
 * @property {[string, string][]} [choices] values and their names
 * @property {"numeric"} [inputmode]
 * @property {[number, number]} [range] in steps of 0.05
 */
/** @typedef {Record<string, string>} Values of the fields by name; a check box holds "true" or "" */

/** @type {{ title: string, fields: Field[] }[]} */
export const GROUPS = [
  {
    title: "Format",
    fields: [
      { name: "digits", label: "Number of digits", kind: "text", placeholder: "5, 4-6 or 4-" },
      { name: "pattern", label: "Pattern", kind: "text", placeholder: "\\d{4}-\\d{2}", hint: "\\d stands for one digit" },
      {
        name: "check", label: "Check digit", kind: "choice",
        choices: [
          ["", "None"], ["luhn", "Luhn: cards, IMEI"], ["ean", "EAN: barcodes"], ["isbn", "ISBN: books"],
          ["mod11", "Modulo 11"], ["verhoeff", "Verhoeff"], ["damm", "Damm"],
        ],
      },
      { name: "allowed", label: "Allowed numbers", kind: "lines", placeholder: "one in each line" },
      { name: "previous", label: "Last meter reading", kind: "text", placeholder: "00123.4", inputmode: "numeric" },
      { name: "max_step", label: "Largest increase", kind: "text", placeholder: "50", inputmode: "numeric" },
      { name: "digits_only", label: "Leave out marks: 314 for 3.14", kind: "check" },
    ],
  },
  {
    title: "Picture",
    fields: [
      {
        name: "choice", label: "Numbers to give", kind: "choice",
        choices: [["", "All"], ["largest", "Only the largest"], ["best", "Only the most certain"]],
      },
      {
        name: "rotate", label: "The picture is", kind: "choice",
        choices: [
          ["", "Upright"], ["auto", "Turned, find out how"], ["90", "Turned 90° clockwise"], ["180", "Upside down"],
          ["270", "Turned 90° counterclockwise"],
        ],
      },
      {
        name: "region", label: "Part to read", kind: "text", placeholder: "left, top, width, height",
        hint: "In pixels or %, or drag it with “Mark a part”",
      },
    ],
  },
  {
    title: "Advanced",
    fields: [
      {
        name: "conf", label: "Count a digit from", kind: "range", initial: "0.5", range: [0.05, 0.95],
        hint: "Lower finds fainter digits, and more false ones",
      },
      {
        name: "min_confidence", label: "Call a number uncertain below", kind: "range", initial: "0.55", range: [0, 1],
        hint: "Confidence that the whole number is right",
      },
      { name: "strict", label: "Write ? for doubtful digits", kind: "check" },
    ],
  },
];

const FIELDS = GROUPS.flatMap(({ fields }) => fields);

/** @returns {Values} */
export function initialValues() {
  return Object.fromEntries(FIELDS.map(({ name, initial }) => [name, initial ?? ""]));
}

/**
 * How many fields have another value than the initial one.
 * @param {Values} values
 */
export function countChanged(values) {
  return changed(values).length;
}

/**
 * The query of /api/read.
 * @param {Values} values
 */
export function toQuery(values) {
  const query = new URLSearchParams();
  for (const { name, kind } of changed(values)) {
    const value = values[name].trim();
    if (name === "choice") query.set(value, "true");
    else if (kind === "lines") for (const line of value.split(/\s*\n\s*/)) query.append(name, line);
    else query.set(name, value);
  }
  return query;
}

/**
 * The field that an error of /api/read is about, and the reason without its name.
 * @param {string} message such as `digits: 'x' is not allowed; expected 5, 4-6 or 4-`
 * @returns {{ field: string, reason: string } | null}
 */
export function problemOf(message) {
  const [, field, rest] = message.match(/^([a-z_]+)\b[:.0-9]*\s*(.*)$/s) ?? [];
  if (!FIELDS.some(({ name }) => name === field)) return null;
  const reason = rest.replace(/^and \w+: /, "");
  return { field, reason: reason.charAt(0).toUpperCase() + reason.slice(1) };
}

/** @param {Values} values */
function changed(values) {
  return FIELDS.filter(({ name, initial }) => values[name].trim() !== (initial ?? ""));
}
