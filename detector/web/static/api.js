// Requests to the server. Every function rejects with an Error whose message can be shown.

export async function health() {
  return (await send("/api/health")).json();
}

// The readings of a file's pages; `options` is a URLSearchParams.
export async function read(file, options, signal) {
  return (await send(`/api/read?${options}`, { method: "POST", body: file, headers: binary, signal })).json();
}

// A page as a PNG blob, for formats that the browser cannot show.
export async function pageAsPng(file, page) {
  return (await send(`/api/page?page=${page}`, { method: "POST", body: file, headers: binary })).blob();
}

export async function correct(file, page, rotation, digits) {
  const form = new FormData();
  form.set("page", page);
  form.set("rotation", rotation);
  form.set("digits", JSON.stringify(digits));
  form.set("picture", file, "picture");
  return (await send("/api/corrections", { method: "POST", body: form })).json();
}

const binary = { "Content-Type": "application/octet-stream" };

async function send(address, request) {
  let response;
  try {
    response = await fetch(address, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not respond.");
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Error(error ?? `The server responded with status ${response.status}.`);
}
