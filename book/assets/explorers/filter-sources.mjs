// Where the filter studio's pictures come from: the book's photographs, a file of the reader's, a camera. All
// become grey pictures, as arithmetic/filtering.mjs takes them. What the reader gives stays in the page:
// nothing here sends anything. Errors are sentences for the reader.
import { greyOf } from "./arithmetic/filtering.mjs";
import { photographs } from "./photographs/index.mjs";

const SIDE = 360; // pixels of the longer side, at most
const CAMERA = { width: { ideal: 320 }, height: { ideal: 240 }, facingMode: { ideal: "environment" } };

/** What reads an image, canvas or video into a grey picture, its longer side SIDE pixels at most. */
function reader() {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (source, wide, high) => {
    const scale = Math.min(1, SIDE / Math.max(wide, high));
    const [width, height] = [wide, high].map((side) => Math.max(1, Math.round(side * scale)));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.imageSmoothingQuality = "high";
    context.fillStyle = "white"; // under what is transparent
    context.fillRect(0, 0, width, height);
    context.drawImage(source, 0, 0, width, height);
    return { width, height, grey: greyOf(context.getImageData(0, 0, width, height).data) };
  };
}

/**
 * One of the book's photographs.
 *
 * @returns {Promise<{width: number, height: number, grey: Float64Array}>}
 * @throws {Error} if it cannot be loaded.
 */
export async function photograph(name) {
  const image = new Image();
  image.src = new URL(`photographs/${name}.webp`, import.meta.url);
  try {
    await image.decode();
  } catch {
    throw new Error("The photograph could not be loaded. A picture of your own works without the network.");
  }
  return reader()(image, photographs[name].width, photographs[name].height);
}

/**
 * A picture file, turned as its EXIF data says.
 *
 * @param {Blob} file
 * @throws {Error} if the browser cannot read it as a picture.
 */
export async function fromFile(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`“${file.name}” cannot be read as a picture. A JPEG, PNG or WebP file can.`);
  }
  const picture = reader()(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return picture;
}

const REFUSED = {
  NotAllowedError: "The camera was not allowed. You can allow it in the browser's settings for this page.",
  NotFoundError: "This device has no camera that the page can find.",
  NotReadableError: "The camera cannot be used now: another program may have it.",
};

/**
 * Ask for the reader's camera.
 *
 * @returns {Promise<{frame: () => object, follow: (shown: () => void) => void, stop: () => void}>} frame() is
 *   the picture now; follow(shown) calls shown for each new one until stop() frees the camera.
 * @throws {Error} if it is not allowed, or there is none.
 */
export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("Browsers lend a camera only to a page that came by https.");
  }
  let stream;
  const video = document.createElement("video");
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: CAMERA });
    Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
    await video.play();
  } catch (error) {
    stop();
    throw new Error(REFUSED[error.name] ?? `The camera does not start (${error.name}).`);
  }
  const read = reader();
  const next = (call) =>
    (video.requestVideoFrameCallback ? video.requestVideoFrameCallback(call) : requestAnimationFrame(call));
  const follow = (shown) => next(() => {
    if (!video.srcObject) return;
    shown();
    follow(shown);
  });
  return { frame: () => read(video, video.videoWidth, video.videoHeight), follow, stop };
}
