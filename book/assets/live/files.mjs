// What Python needs, from the reader's cache where it is, else from the site; in the page and in the worker.
import { files } from "./manifest.mjs";

const CACHE = "live-python";

/** What is loaded before the first cell runs, in bytes. */
export const size = files.reduce((sum, file) => sum + file.bytes, 0);

/** The address of a file, which changes with its content: also its key in the cache. */
function address(file) {
  return new URL(`./${file.path}?v=${file.version}`, import.meta.url).href;
}

/** The reader's cache; undefined where there is none: on a page that did not come over https. */
async function openCache() {
  try {
    return await globalThis.caches?.open(CACHE);
  } catch {
    return undefined; // forbidden by the reader
  }
}

/** Whether everything lies in the reader's cache, so that nothing would be fetched. */
export async function isCached() {
  const cache = await openCache();
  if (!cache) return false;
  const found = await Promise.all(files.map((file) => cache.match(address(file))));
  return found.every(Boolean);
}

/**
 * Get every file.
 * @param {(loaded: number, total: number) => void} report hears how many bytes have come.
 * @returns {Promise<Map<string, Uint8Array>>} their contents, by their names without folder and ".gz".
 * @throws {Error} with the file's name, if one cannot be had.
 */
export async function loadAll(report) {
  const cache = await openCache();
  const loaded = new Map();
  const count = (file, bytes) => {
    loaded.set(file, Math.min(bytes, file.bytes)); // more would come if a server had unpacked it
    report([...loaded.values()].reduce((sum, part) => sum + part, 0), size);
  };
  const contents = await Promise.all(files.map(async (file) => {
    const raw = await getOne(file, cache, (bytes) => count(file, bytes));
    return [file.path.split("/").pop().replace(/\.gz$/, ""), await unpacked(raw)];
  }));
  await cache?.keys().then((keys) => forgetOthers(cache, keys));
  return new Map(contents);
}

async function getOne(file, cache, report) {
  const kept = await cache?.match(address(file));
  if (kept) {
    const content = new Uint8Array(await kept.arrayBuffer());
    report(content.length);
    return content;
  }
  const response = await fetch(address(file));
  if (!response.ok) throw new Error(`${file.path}: the server answers ${response.status}`);
  const content = await readAll(response, report);
  // A full disk is no reason to fail: the next visit loads it again.
  await cache?.put(address(file), new Response(content)).catch(() => {});
  return content;
}

async function readAll(response, report) {
  const pieces = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    pieces.push(step.value);
    length += step.value.length;
    report(length);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** What gzip has packed, unpacked; a server may have done so already. */
async function unpacked(content) {
  if (content[0] !== 0x1f || content[1] !== 0x8b) return content;
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Take away what an older version of the site has left. */
async function forgetOthers(cache, keys) {
  const current = new Set(files.map(address));
  await Promise.all(keys.filter(({ url }) => !current.has(url)).map((key) => cache.delete(key)));
}
