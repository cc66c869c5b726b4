"use strict";
// From files, folders and camera frames to pixels: upright, in sRGB, transparent parts white, as the program reads them.

graft.LARGEST_PIXELS = 48e6; // Larger pictures are made smaller first: a browser's canvas and memory end somewhere.
graft.THUMBNAIL_PX = 320;

graft.drawn = function (source, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, width, height);
  return canvas;
};

// Returns { width, height, pixels (RGBA), thumbnail (canvas), note } of an image file or a video's frame.
graft.read = async function (source) {
  const isVideo = source instanceof HTMLVideoElement;
  const bitmap = isVideo ? source : await createImageBitmap(source, { imageOrientation: "from-image" });
  let width = isVideo ? source.videoWidth : bitmap.width;
  let height = isVideo ? source.videoHeight : bitmap.height;
  let note = "";
  const full = `${width} × ${height}`;
  if (width * height > graft.LARGEST_PIXELS) {
    const scale = Math.sqrt(graft.LARGEST_PIXELS / (width * height));
    width = Math.max(1, Math.round(width * scale));
    height = Math.max(1, Math.round(height * scale));
    note = `Made smaller first (it has ${full} pixels).`;
  }
  const canvas = graft.drawn(bitmap, width, height);
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer;
  const shrink = Math.min(1, graft.THUMBNAIL_PX / Math.max(width, height));
  const thumbnail = graft.drawn(canvas, Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink)));
  if (!isVideo) bitmap.close();
  canvas.width = canvas.height = 0; // Frees its memory now, not when somebody collects it.
  return { width, height, pixels, thumbnail, note, size: full };
};

// Returns the files of a drop, those in folders with their path as `shownName`.
graft.filesOf = async function (transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = [];
  const walk = async (entry, path) => {
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      if (graft.isPicture(file)) {
        file.shownName = path + file.name;
        found.push(file);
      }
      return;
    }
    const reader = entry.createReader();
    const children = [];
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) break; // A browser hands them out by the hundred.
      children.push(...some);
    }
    children.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    for (const child of children) await walk(child, `${path}${entry.name}/`);
  };
  for (const entry of entries) await walk(entry, "");
  return found;
};

graft.isPicture = (file) => file.type.startsWith("image/") || /\.(jpe?g|png|webp|gif|bmp|avif)$/i.test(file.name);

graft.whyUnreadable = function (file) {
  if (/\.(tiff?|heic|heif|jp2|j2k)$/i.test(file.name)) return "Browsers cannot read this kind of picture. Convert it to JPEG or PNG.";
  if (!file.size) return "The file is empty.";
  return "This is not a picture that the browser can read, or it is damaged.";
};
