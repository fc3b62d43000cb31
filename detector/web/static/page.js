// A page with its digits and numbers, as shown and corrected.

export class Page {
  constructor(reading) {
    this.reading = reading;
    this.digits = reading.numbers.flatMap((number, row) => {
      const places = [...number.best.matchAll(/[0-9]/g)].map((found) => found.index);
      return number.digits.map((digit, index) => {
        const isDoubtful = number.doubtful.includes(places[index]);
        const where = `${isDoubtful ? "doubtful, " : ""}in number ${row + 1}`;
        return { ...digit, number, status: number.status, isDoubtful, label: describe(digit, where) };
      });
    });
  }

  // The numbers with their status, corrections included.
  numbers() {
    const numbers = this.reading.numbers.map((number) => {
      const own = this.digits.filter((digit) => digit.number === number);
      const isCorrected = own.length < number.digits.length || own.some((digit) => digit.status === "corrected");
      return {
        region: number.region,
        status: isCorrected ? "corrected" : number.status,
        text: isCorrected ? this.corrected(number, own) : number.text,
        doubtful: isCorrected ? [] : number.doubtful,
        confidence: isCorrected ? null : number.confidence,
        alternatives: number.alternatives,
      };
    });
    const added = this.digits.filter((digit) => !digit.number);
    return [
      ...numbers.filter((number) => number.text),
      ...added.map((digit) => ({ status: "corrected", text: digit.text, doubtful: [], alternatives: [], confidence: null })),
    ];
  }

  get isCorrected() {
    const digits = this.reading.numbers.reduce((sum, number) => sum + number.digits.length, 0);
    return this.digits.length !== digits || this.digits.some((digit) => digit.status === "corrected");
  }

  rename(digit, text) {
    Object.assign(digit, { text, status: "corrected", isDoubtful: false, confidence: null, label: `${text}, corrected` });
  }

  remove(digit) {
    this.digits = this.digits.filter((one) => one !== digit);
  }

  // Adds a box; its digit is still unknown.
  add(box) {
    const label = "New digit: type it";
    const digit = { box, text: "?", alternatives: [], number: null, confidence: null, status: "corrected", label };
    this.digits.push(digit);
    return digit;
  }

  // The digits in the format of /api/corrections.
  truth() {
    return this.digits.filter(({ text }) => text !== "?").map(({ text, box }) => ({ digit: text, box }));
  }

  // The text of a number with corrected digits. Marks that no longer stand between two digits are left out; a minus
  // sign and the separators of a pattern stay.
  corrected(number, own) {
    if (!own.length) return "";
    const digits = number.digits.map((digit) => own.find((one) => same(one.box, digit.box))?.text ?? "");
    let text = "";
    for (const [place, character] of [...number.best].entries()) {
      if (/[0-9]/.test(character)) text += digits.shift();
      else if (place === 0 || /[0-9]$/.test(text) || !/[.,/:-]/.test(character)) text += character;
    }
    return text.replace(/[.,/:-]$/, "");
  }
}

export function describe(digit, where) {
  const others = digit.alternatives.map(({ text, confidence }) => `, or ${text} ${percent(confidence)}`).join("");
  return `${digit.text}, ${percent(digit.confidence)}, ${where}${others}`;
}

export function percent(probability) {
  return `${(probability * 100).toFixed(1)}%`;
}

function same(one, other) {
  return one.every((value, index) => value === other[index]);
}
