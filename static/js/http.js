// Requests to our own server: CSRF on each, JSON errors as one kind of exception.

export class Refused extends Error {
  constructor(status, body) {
    super(body.message || body.detail || sentence(status));
    this.status = status;
    this.code = body.code || "";
    this.body = body;
  }
}

function sentence(status) {
  if (status === 0) return "The connection was lost. Nothing was changed; try again.";
  if (status === 401 || status === 403)
    return "You are signed out or may not do this. Load the page again.";
  if (status === 413) return "The file is larger than the server accepts.";
  if (status === 429) return "Too many requests. Wait a minute and try again.";
  if (status >= 500) return "The server could not answer. What was saved is safe; try again.";
  return "The server refused this. Nothing was changed.";
}

export function csrf() {
  return document.querySelector('meta[name="csrf-token"]')?.content || "";
}

// JSON in, JSON out; an answer other than 2xx, or none, throws Refused.
// keepalive: it is sent even when the page is left meanwhile.
export async function request(
  url,
  { method = "GET", json, body, headers = {}, signal, keepalive = false } = {},
) {
  const options = {
    method,
    signal,
    keepalive,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...headers },
  };
  if (method !== "GET") options.headers["X-CSRFToken"] = csrf();
  if (json !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(json);
  } else if (body !== undefined) {
    options.body = body;
  }
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, {});
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || response.redirected) throw new Refused(response.status, answer);
  return answer;
}

// One multipart POST with progress (fetch reports none while sending). Resolves to
// {status, body}; rejects with Refused. onprogress is told the fraction sent, 0 to 1.
export function upload(url, formData, { headers = {}, onprogress, signal } = {}) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open("POST", url);
    call.responseType = "text";
    call.setRequestHeader("Accept", "application/json");
    call.setRequestHeader("X-CSRFToken", csrf());
    for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => {
      if (onprogress && event.lengthComputable) onprogress(event.loaded / event.total);
    };
    call.onload = () => {
      let body = {};
      try {
        body = JSON.parse(call.responseText);
      } catch {
        // A proxy's own page: the status says enough.
      }
      if (call.status >= 200 && call.status < 300) resolve({ status: call.status, body });
      else reject(new Refused(call.status, body));
    };
    call.onerror = call.ontimeout = () => reject(new Refused(0, {}));
    call.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal?.addEventListener("abort", () => call.abort());
    call.send(formData);
  });
}
