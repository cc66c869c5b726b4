"use strict";
// What an answer means, and how it is shown.

graft.make = function (kind, className = "", text = "") {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
};

graft.percent = (share) => `${(100 * share).toFixed(1).replace(/^(0|100)\.0$/, "$1")}\u00a0%`;

// Returns { classes, isUnknown, confidence, ranks } for probabilities and an unknown score.
graft.verdict = function ({ probabilities, unknownScore }) {
  const { classes, mode, thresholds, unknown } = graft.data;
  const ranks = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
  const isUnknown = unknown !== null && unknownScore !== null && unknownScore >= unknown.threshold;
  if (mode === "one") return { classes: [classes[ranks[0]]], isUnknown, confidence: probabilities[ranks[0]], ranks };
  const has = probabilities.map((value, index) => value >= thresholds[index]);
  // How probable it is that the picture has exactly these classes.
  const confidence = probabilities.reduce((product, value, index) => product * (has[index] ? value : 1 - value), 1);
  return { classes: ranks.filter((index) => has[index]).map((index) => classes[index]), isUnknown, confidence, ranks };
};

// Names of groups beside those of the classes; a class may be called like one of them.
graft.groupName = (name) => (graft.data.classes.includes(name) ? `(${name})` : name);
graft.UNKNOWN = graft.groupName("unknown");
graft.NONE = graft.groupName("no class");
graft.UNREAD = graft.groupName("not read");

graft.groupOf = (verdict) => (verdict.isUnknown ? graft.UNKNOWN : verdict.classes[0] || graft.NONE);

graft.answerView = function (answer, numBars = 3) {
  const verdict = graft.verdict(answer);
  const { make, percent } = graft;
  const view = make("div", "answer");
  const head = make("p", "verdict");
  if (verdict.isUnknown) {
    head.append(make("span", "badge unknown", "? Unknown"));
    const nearest = graft.data.classes[verdict.ranks[0]];
    view.append(head, make("p", "dim", `It looks like none of the classes. The nearest is ${nearest}.`));
  } else {
    head.append(make("strong", "", verdict.classes.join(", ") || "None of the classes"));
    head.append(make("span", "confidence", `${percent(verdict.confidence)} sure`));
    view.append(head);
  }
  const bars = make("ul", verdict.isUnknown ? "bars is-unknown" : "bars");
  verdict.ranks.forEach((index, rank) => {
    const value = answer.probabilities[index];
    const has = graft.data.mode !== "one" && !verdict.isUnknown && value >= graft.data.thresholds[index];
    const row = make("li", `${rank >= numBars ? "more" : ""}${has ? " has" : ""}`);
    const name = make("span", "bar-name", graft.data.classes[index]);
    name.title = graft.data.classes[index];
    const fill = make("span", "fill");
    fill.style.width = `${Math.max(100 * value, 0.5)}%`;
    row.append(fill);
    if (graft.data.mode !== "one") {
      const mark = make("span", "mark");
      mark.style.left = `${100 * graft.data.thresholds[index]}%`;
      mark.title = `has the class from ${percent(graft.data.thresholds[index])} on`;
      row.append(mark);
    }
    row.append(name, make("span", "bar-value", percent(value)));
    bars.append(row);
  });
  view.append(bars);
  if (verdict.ranks.length > numBars) {
    const toggle = make("button", "link", `All ${verdict.ranks.length} classes`);
    toggle.type = "button";
    toggle.setAttribute("aria-expanded", "false");
    toggle.addEventListener("click", () => {
      const isOpen = bars.classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(isOpen));
      toggle.textContent = isOpen ? "Fewer" : `All ${verdict.ranks.length} classes`;
    });
    view.append(toggle);
  }
  return view;
};

// A card for one picture, first without its answer.
graft.newCard = function (name) {
  const { make } = graft;
  const card = make("li", "card waiting");
  const picture = make("div", "thumbnail");
  const body = make("div", "body");
  const title = make("p", "name", name);
  title.title = name;
  body.append(title, make("p", "dim", "Waiting…"));
  card.append(picture, body);
  card.fill = (read, answer) => {
    card.className = "card";
    if (read) {
      read.thumbnail.setAttribute("role", "img");
      read.thumbnail.setAttribute("aria-label", name);
      read.thumbnail.title = `${read.size} pixels`;
      picture.replaceChildren(read.thumbnail);
    }
    const strange = answer.unknownScore === null ? "" : `unknown score ${answer.unknownScore.toFixed(2)} · `;
    body.replaceChildren(title, graft.answerView(answer));
    body.append(make("p", "dim small", `${strange}${Math.round(answer.ms)}\u00a0ms`));
    if (read.note) body.append(make("p", "dim small", read.note));
  };
  card.fail = (reason) => {
    card.className = "card failed";
    body.replaceChildren(title, make("p", "problem", `! ${reason}`));
  };
  return card;
};

graft.aboutView = function () {
  const { data, make, percent } = graft;
  const list = make("dl");
  const add = (term, ...lines) => {
    list.append(make("dt", "", term));
    lines.forEach((line) => list.append(make("dd", "", line)));
  };
  const { validation, run, unknown } = data;
  add("Classes", data.classes.join(", "));
  const [low, high] = validation.accuracy_interval;
  const what = data.mode === "one" ? "right" : "with exactly the right classes";
  add(
    "How good it is",
    `${percent(validation.accuracy)} ${what} (with 95 % certainty between ${percent(low)} and ${percent(high)}), measured on pictures that it had not seen: ${validation.method}.`,
    `When it says that it is 80 % sure, it is meant to be right 80 times in 100; it was off by ${percent(validation.ece)} on average.`,
  );
  add("Learned from", `${run.num_images.toLocaleString("en")} labelled pictures of the project “${run.project}”, version ${run.id}, ${run.made_at.slice(0, 10)}.`);
  if (unknown) {
    add("Unknown", `A picture with an unknown score of ${unknown.threshold} or more looks like none of the classes. About ${Math.round(100 * unknown.false_alarm_rate)} in 100 pictures that do belong to a class are called unknown by mistake.`);
  } else {
    add("Unknown", "This model cannot tell pictures that belong to none of its classes: it always names one.");
  }
  if (data.mode !== "one") add("Thresholds", data.classes.map((name, index) => `${name} ${data.thresholds[index].toFixed(2)}`).join(", "));
  add("Limits", "The figures hold for pictures like the labelled ones; another camera, light or background may be worse. Browsers read 16-bit pictures in 8 bits; the program stretches them, so its answers may differ there.");
  add("Network", `${data.backbone.name} (${data.backbone.licence})`);
  add("Fingerprint", `labels ${data.run.labels_hash.slice(0, 16) || "not recorded"}, model ${data.model_sha256.slice(0, 16)}`);
  return list;
};
