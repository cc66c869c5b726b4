"use strict";
// The page: loads the model, takes pictures from wherever they come, and keeps the results.
(function () {
  const { data, make } = graft;
  const byId = (id) => document.getElementById(id);
  const results = []; // { name, group, verdict, answer, card, problem }, in their order
  const queue = [];
  const pending = new Map(); // id -> { resolve, reject }
  let worker = null;
  let isReady = false;
  let isBusy = false;
  let nextId = 0;
  let shown = null; // The group that is shown; null = all.
  let stream = null;

  // ------------------------------------------------------------------------------------------------ the model

  graft.part = (name, index, text) => {
    worker.postMessage({ kind: "part", name, index, text });
  };

  function script(address) {
    return new Promise((done, fail) => {
      const element = make("script");
      element.src = address;
      element.onload = () => (element.remove(), done());
      element.onerror = () => fail(new Error(`${address} is missing. Copy the whole folder, not only index.html.`));
      document.head.append(element);
    });
  }

  async function load() {
    if (!self.DecompressionStream || !self.WebAssembly || !self.createImageBitmap) {
      throw new Error("This browser is too old: it takes one of 2023 or later.");
    }
    const source = new Blob([`(${graft.workerMain})()`], { type: "text/javascript" });
    worker = new Worker(URL.createObjectURL(source));
    const ready = new Promise((done, fail) => {
      worker.onmessage = ({ data: said }) => {
        if (said.kind === "ready") done(said.difference);
        else if (said.id === undefined) fail(new Error(said.message));
        else {
          const waiting = pending.get(said.id);
          pending.delete(said.id);
          if (said.kind === "answer") waiting.resolve(said);
          else waiting.reject(new Error(said.message));
        }
      };
      worker.onerror = (event) => fail(new Error(event.message || "The browser could not start the model."));
    });
    const started = performance.now();
    for (const [index, address] of data.parts.entries()) {
      await script(address);
      showProgress((90 * (index + 1)) / data.parts.length);
    }
    // Several threads need a page that is isolated from others, which only a server can say (serve.py does).
    const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    worker.postMessage({ kind: "start", threads, check: data.check });
    graft.difference = await ready;
    graft.loadedMs = performance.now() - started;
  }

  function showProgress(percent) {
    byId("progress").setAttribute("aria-valuenow", Math.round(percent));
    byId("progress").firstElementChild.style.width = `${percent}%`;
  }

  function say(text, isProblem = false) {
    byId("status-text").textContent = text;
    byId("status-text").className = isProblem ? "problem" : "dim";
  }

  graft.classify = function ({ pixels, width, height }) {
    const id = nextId++;
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject });
      worker.postMessage({ kind: "classify", id, pixels, width, height }, [pixels]);
    });
  };

  // ---------------------------------------------------------------------------------------------- the results

  function add(files) {
    for (const file of files) {
      const result = { name: file.shownName || file.name || "pasted picture", file, group: null, answer: null, problem: "" };
      result.card = graft.newCard(result.name);
      byId("cards").append(result.card);
      results.push(result);
      queue.push(result);
    }
    byId("results").hidden = results.length === 0;
    document.body.classList.toggle("has-results", results.length > 0);
    work();
  }

  async function work() {
    if (isBusy || !isReady) return;
    isBusy = true;
    while (queue.length) {
      const result = queue.shift();
      try {
        let read;
        try {
          read = await graft.read(result.file);
        } catch {
          throw new Error(graft.whyUnreadable(result.file));
        }
        finish(result, read, await graft.classify(read));
      } catch (error) {
        result.problem = error.message;
        result.group = graft.UNREAD;
        result.card.fail(error.message);
      }
      result.file = null;
      showFilters();
    }
    isBusy = false;
    const done = results.filter((result) => result.answer).length;
    if (results.length) byId("told").textContent = `${done} of ${results.length} pictures classified.`;
  }

  function finish(result, read, answer) {
    result.answer = answer;
    result.verdict = graft.verdict(answer);
    result.group = graft.groupOf(result.verdict);
    result.card.fill(read, answer);
  }

  function showFilters() {
    const counts = new Map();
    for (const { group } of results) if (group) counts.set(group, (counts.get(group) || 0) + 1);
    const groups = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
    if (shown !== null && !counts.has(shown)) shown = null;
    const chip = (group, text, count) => {
      const element = make("button", `chip${group === graft.UNKNOWN ? " unknown" : ""}`);
      element.type = "button";
      element.setAttribute("aria-pressed", String(shown === group));
      element.append(make("span", "", text), make("span", "count", String(count)));
      element.addEventListener("click", () => {
        shown = group;
        showFilters();
        byId("filters").querySelector('[aria-pressed="true"]').focus();
      });
      return element;
    };
    byId("filters").replaceChildren(chip(null, "All", results.length), ...groups.map((group) => chip(group, group, counts.get(group))));
    for (const { group, card } of results) card.hidden = shown !== null && group !== shown;
  }

  function saveTable() {
    const cell = (value) => {
      let text = String(value);
      if (/^[=+\-@\t\r']/.test(text)) text = `'${text}`; // A spreadsheet would take it for a formula.
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const rows = [["image", "class", "confidence", "unknown", "unknown_score", ...data.classes].map(cell)];
    for (const { name, verdict, answer } of results) {
      if (!answer) continue;
      const names = data.mode === "one" ? verdict.classes : verdict.classes.map((each) => each.replaceAll("|", "\\|"));
      const strange = answer.unknownScore === null ? ["", ""] : [verdict.isUnknown ? "yes" : "no", answer.unknownScore.toFixed(4)];
      const numbers = answer.probabilities.map((value) => value.toFixed(6));
      rows.push([cell(name), cell(names.join("|")), verdict.confidence.toFixed(6), ...strange, ...numbers]);
    }
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([rows.map((row) => `${row.join(",")}\n`).join("")], { type: "text/csv" }));
    link.download = "predictions.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function clear() {
    queue.length = results.length = 0;
    shown = null;
    byId("cards").replaceChildren();
    byId("results").hidden = true;
    document.body.classList.remove("has-results");
    byId("choose").focus();
  }

  // ----------------------------------------------------------------------------------------------- the camera

  async function startCamera(deviceId) {
    if (!navigator.mediaDevices) {
      const serve = "Start serve.py in this folder (python3 serve.py) and open the address that it names.";
      return say(`The browser gives the camera only to pages that it trusts. ${serve}`, true);
    }
    stopCamera();
    try {
      const video = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: "environment" } };
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...video, width: { ideal: 1280 } }, audio: false });
    } catch (error) {
      const reasons = { NotAllowedError: "The browser was not allowed to use the camera.", NotFoundError: "There is no camera." };
      return say(reasons[error.name] || `The camera cannot be used (${error.message}).`, true);
    }
    byId("video").srcObject = stream;
    byId("camera").hidden = false;
    await byId("video").play();
    await showCameras();
    watch(stream);
  }

  async function showCameras() {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
    const current = stream && stream.getVideoTracks()[0].getSettings().deviceId;
    byId("camera-select").replaceChildren(
      ...cameras.map((camera, index) => {
        const option = make("option", "", camera.label || `Camera ${index + 1}`);
        option.value = camera.deviceId;
        option.selected = camera.deviceId === current;
        return option;
      }),
    );
    byId("camera-choice").hidden = cameras.length < 2;
  }

  async function watch(watched) {
    const video = byId("video");
    while (stream === watched) {
      if (isReady && video.videoWidth) {
        try {
          const answer = await graft.classify(await graft.read(video));
          if (stream === watched) byId("live-answer").replaceChildren(graft.answerView(answer, 5));
        } catch (error) {
          say(`The camera's picture cannot be classified (${error.message}).`, true);
          return stopCamera();
        }
      }
      await new Promise((done) => setTimeout(done, 60));
    }
  }

  async function keepFrame() {
    const canvas = graft.drawn(byId("video"), byId("video").videoWidth, byId("video").videoHeight);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
    add([new File([blob], `camera ${time}.png`, { type: "image/png" })]);
  }

  function stopCamera() {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    byId("video").srcObject = null;
    byId("camera").hidden = true;
    byId("live-answer").replaceChildren();
  }

  // ------------------------------------------------------------------------------------------------- the page

  function showModel() {
    const [low, high] = data.validation.accuracy_interval;
    document.title = `${data.run.project} · image classifier`;
    byId("name").textContent = data.run.project;
    const right = data.mode === "one" ? "right" : "exactly right";
    byId("facts").textContent = `${data.classes.length} classes · ${graft.percent(data.validation.accuracy)} ${right} (${graft.percent(low)} to ${graft.percent(high)})`;
    byId("about-body").append(graft.aboutView());
  }

  function connect() {
    let depth = 0;
    const drop = byId("drop");
    const highlight = (isOver) => drop.classList.toggle("over", isOver);
    addEventListener("dragenter", (event) => (event.preventDefault(), (depth += 1), highlight(true)));
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("dragleave", () => ((depth = Math.max(0, depth - 1)), depth || highlight(false)));
    addEventListener("drop", async (event) => {
      event.preventDefault();
      depth = 0;
      highlight(false);
      add(await graft.filesOf(event.dataTransfer));
    });
    addEventListener("paste", (event) => add([...event.clipboardData.files].filter(graft.isPicture)));
    byId("choose").addEventListener("change", (event) => {
      add([...event.target.files]);
      event.target.value = "";
    });
    byId("camera-button").addEventListener("click", () => startCamera());
    byId("camera-select").addEventListener("change", (event) => startCamera(event.target.value));
    byId("keep-button").addEventListener("click", keepFrame);
    byId("stop-button").addEventListener("click", stopCamera);
    byId("save-button").addEventListener("click", saveTable);
    byId("clear-button").addEventListener("click", clear);
  }

  graft.results = results;
  graft.add = add;
  showModel();
  connect();
  load().then(
    () => {
      isReady = true;
      graft.isReady = true;
      byId("progress").hidden = true;
      const isOff = !(graft.difference <= data.check.limit);
      const worse = `This browser computes other numbers than the program (by up to ${graft.percent(graft.difference)}). Do not rely on its answers.`;
      say(isOff ? worse : "Ready. The model's test picture gives the program's numbers in this browser.", isOff);
      work();
    },
    (error) => {
      graft.error = error.message;
      byId("progress").hidden = true;
      say(`The model cannot be loaded: ${error.message}`, true);
    },
  );
})();
