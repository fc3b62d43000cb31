// What is asked of the server. Every function rejects with an Error whose message can be shown.

export async function health() {
  return (await ask("/api/health")).json();
}

// The readings of a file's pages; `options` is a URLSearchParams.
export async function read(file, options, signal) {
  return (await ask(`/api/read?${options}`, { method: "POST", body: file, headers: binary, signal })).json();
}

// A page as a PNG blob, for a format that this browser does not know.
export async function pageAsPng(file, page) {
  return (await ask(`/api/page?page=${page}`, { method: "POST", body: file, headers: binary })).blob();
}

export async function correct(file, page, rotation, digits) {
  const form = new FormData();
  form.set("page", page);
  form.set("rotation", rotation);
  form.set("digits", JSON.stringify(digits));
  form.set("picture", file, "picture");
  return (await ask("/api/corrections", { method: "POST", body: form })).json();
}

const binary = { "Content-Type": "application/octet-stream" };

async function ask(address, request) {
  let answer;
  try {
    answer = await fetch(address, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer.");
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Error(error ?? `The server answers ${answer.status}.`);
}
