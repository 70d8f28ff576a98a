/* What ties the page together: the architecture cards, messages at their fields, light and dark, the seed's text field.
   The custom components call these from their `js_on_load`; anything from outside goes through textContent. */

(() => {
  "use strict";

  const FIELDS = {notes: "#notes", upload: "#upload", bars: "#bars", meter: "#meter", tempo: ".transport .tempo",
    temperature: "#temperature", top_p: "#top-p", seed: "#seed-number", model: "#cards", style: "#style"};

  const DRAWER = new Set(["meter", "top_p", "seed"]);  // fields that stand under More

  /* ---- messages ---------------------------------------------------------------------------------------------- */

  function problem(field, message = "") {  // tells what is wrong at the field itself; null takes the last one away
    for (const old of document.querySelectorAll(".problem")) old.remove();
    for (const input of document.querySelectorAll("[aria-invalid=true]")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
    }
    if (!field) return;
    const drawer = document.querySelector("#more button[aria-expanded=false], #more .label-wrap:not(.open)");
    if (DRAWER.has(field) && drawer) {
      drawer.click();
      setTimeout(() => problem(field, message), 120);  // until the drawer's fields are there
      return;
    }
    said("");
    const place = document.querySelector(FIELDS[field]) ?? document.querySelector("#notes");
    const told = document.createElement("p");
    [told.className, told.id, told.textContent] = ["problem", "problem", message];
    told.setAttribute("role", "alert");
    told.dataset.field = field;
    if (place.tagName === "BUTTON") place.after(told);
    else place.append(told);
    const input = place.querySelector("textarea, input") ?? place;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", "problem");
  }

  function said(text) {
    const place = document.querySelector("#said");
    if (place) place.querySelector("p").textContent = text;
  }

  /* ---- architecture cards ------------------------------------------------------------------------------------ */

  const GLYPHS = {  // each architecture's way through time, drawn in a box of 36 x 24
    rnn: "M4 18h28M10 18v-6M18 18v-6M26 18v-6M10 12a4 4 0 1 1 4 -4M18 12a4 4 0 1 1 4 -4M26 12a4 4 0 1 1 4 -4",
    gru: "M3 12h8M25 12h8M11 5h14v14h-14zM14 12l4 -4l4 4l-4 4z",
    lstm: "M3 6h30M3 18h7M26 18h7M10 12h16v9h-16zM14 12v-6M22 12v-6M18 16.500v.1",
    transformer: "M4 20L18 4M11 20L18 4M18 20V4M25 20L18 4M32 20L18 4M18 4h.1M4 20h28",
    autoregressive: "M4 21h.1M12 21h.1M20 21h.1M28 21h.1M4 21L8 13M12 21L12 13M12 21L8 13M20 21L24 13M28 21L28 13M28 21L24 13M12 13L28 4M28 13V4M32 4h1",
    cnn: "M6 4h24v16h-24zM12 4v16M18 4v16M24 4v16M6 9.300h24M6 14.600h24M12 9.300h12v5.300h-12z",
    seq2seq: "M3 18h12M5 18v-5M9 18v-5M13 18v-5M15 18C20 18 16 7 21 7M21 7h12M23 7v5M27 7v5M31 7v5",
    vae: "M4 4L15 10V14L4 20zM32 4L21 10V14L32 20zM18 9v6",
    gan: "M5 6h10v12h-10zM21 6h10v12h-10zM15 9.500h6M19 7.500l2 2l-2 2M21 14.500h-6M17 12.500l-2 2l2 2",
  };

  function glyph(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 36 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", GLYPHS[name] ?? "M6 12h24");
    svg.append(path);
    return svg;
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function cards(root, props) {
    const detail = root.querySelector(".detail");
    const show = card => detail.replaceChildren(element("p", "sentence", card.summary), element("p", "cost", card.cost));
    const chosen = () => props.cards.find(c => c.name === props.value);
    root.querySelector(".grid").append(...props.cards.map(card => {
      const label = element("label", "card"), input = element("input", "");
      Object.assign(input, {type: "radio", name: "architecture", value: card.name, checked: card.name === props.value});
      input.setAttribute("aria-describedby", `about-${card.name}`);
      input.addEventListener("change", () => { props.value = card.name; show(card); });
      const about = element("span", "about", card.summary);
      about.id = `about-${card.name}`;
      label.append(input, glyph(card.name), element("span", "name", card.title), about);
      label.addEventListener("pointerenter", () => show(card));
      label.addEventListener("pointerleave", () => show(chosen()));
      return label;
    }));
    show(chosen());
  }

  /* ---- light and dark ---------------------------------------------------------------------------------------- */

  function theme(root) {
    const button = root.querySelector(".theme");
    const dark = () => document.body.classList.contains("dark");
    const tell = () => button.setAttribute("aria-pressed", dark());
    const set = on => { document.body.classList.toggle("dark", on); tell(); };
    let kept = null;
    try { kept = localStorage.getItem("musicgen-theme"); } catch { /* a browser that keeps nothing */ }
    if (kept && !new URLSearchParams(location.search).has("__theme")) set(kept === "dark");
    button.addEventListener("click", () => {
      set(!dark());
      try { localStorage.setItem("musicgen-theme", dark() ? "dark" : "light"); } catch { /* the same */ }
    });
    new MutationObserver(tell).observe(document.body, {attributes: true, attributeFilter: ["class"]});
    tell();
  }

  /* ---- the seed's text field --------------------------------------------------------------------------------- */

  function write(change) {
    const field = document.querySelector("#notes textarea, #notes input");
    field.value = change(field.value);
    field.dispatchEvent(new Event("input", {bubbles: true}));
    field.scrollTop = field.scrollHeight;
  }

  document.addEventListener("input", event => {  // emptied to type another number: that is none yet
    const {target} = event;
    if (target.type === "number" && !target.value && target.closest("#bars, #temperature, #top-p")) event.stopImmediatePropagation();
  }, true);

  document.addEventListener("input", event => {
    const told = document.querySelector(".problem");
    if (told && event.target.closest(FIELDS[told.dataset.field])) problem(null);
  });

  /* ---- the parts, in whatever order the page brings them ------------------------------------------------------ */

  const PARTS = ["header", "stage", "rows", "transport", "notes"];
  const player = new window.MusicgenPlayer({samples: "web/samples/"});
  const parts = {};
  let views = null;

  function take(name, element, props) {
    parts[name] = {element, props};
    if (views || !PARTS.every(part => part in parts)) return;
    views = new window.MusicgenViews(player, parts);
    for (const [view, {props}] of [["compose", parts.stage], ["compare", parts.rows]]) views.receive(view, props.value);
  }

  window.MusicgenPage = {
    problem, said, cards, player,
    views: () => views,
    header(root) {
      theme(root);
      take("header", root);
    },
    stage(root, props, watch) {
      watch("value", () => views?.receive("compose", props.value));
      take("stage", root, props);
    },
    rows(root, props, watch) {
      watch("value", () => views?.receive("compare", props.value));
      take("rows", root, props);
    },
    transport(root, props, watch) {
      watch("value", () => views?.transport.configure(props.value));
      take("transport", root, props);
    },
    notes(root) { take("notes", root); },
    keyboard(root) {
      new window.MusicgenKeyboard(root, {
        press: pitch => player.press(pitch, 0), lift: tap => player.lift(tap), write, tempo: () => player.tempo,
      });
    },
    ask: () => views.ask(),
    stop: () => views.stop(),
    row: () => views.view.row,
    failed: (view, message) => views.receive(view, {kind: "failed", message}),
  };
})();
