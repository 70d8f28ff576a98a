/** Pieces from an address or a file's recipe, and the address of the piece on the stage. */

import {linkOf, queryOf, readLink} from "./address.js";
import {clearProblem, problem} from "./problems.js";

/** @typedef {{take?: import("./takes.js").Take, settings?: object, given?: import("./canvas.js").Canvas | null, other?: boolean}} Wanted */

export class Links {
  /**
   * @param {Record<string, import("./views.js").Part>} parts
   * @param {{views: import("./views.js").Views, work: import("./work.js").Work, player: import("./player.js").Player,
   *   toolbar: import("./toolbar.js").Toolbar}} page
   */
  constructor(parts, {views, work, player, toolbar}) {
    this.parts = parts;
    this.views = views;
    this.work = work;
    this.player = player;
    this.toolbar = toolbar;
    /** @type {import("./takes.js").Take | null} */
    this.addressed = null;  // the take whose address is known
  }

  /** What a page can be asked for. */
  get offered() {
    const {cards, stage, transport} = this.parts;
    const models = Object.fromEntries(cards.props.cards.map(({name, title, weights}) => [name, {title, weights}]));
    const {meters, styles, limits} = stage.props;
    return {models, meters, styles, limits, instruments: transport.props.choices.map(choice => choice.key)};
  }

  /** @param {string} fragment of an address, or of a file's recipe @returns {Promise<Wanted | null>} nothing if it is broken, which is told */
  async wanted(fragment, inFile = false) {
    try {
      const {take, settings, given, mixer, other} = await readLink(fragment, this.offered);
      return {take, settings: {...settings, mixer: {...this.views.transport.next, ...mixer, chosen: true}}, given, other};
    } catch {
      if (inFile) {
        problem("upload", "The piece in this file cannot be read: the file may have been damaged. Choose another copy of it.", true);
        return null;
      }
      history.replaceState(history.state, "", location.pathname + location.search);
      problem("link", "The piece in this link cannot be read: it may have been cut. Ask for the link again.");
      return null;
    }
  }

  /** @param {string} fragment of an address, or of a file's recipe */
  async open(fragment, inFile = false) {
    const wanted = await this.wanted(fragment, inFile);
    if (!wanted) return;
    clearProblem();
    if (wanted.take) this.work.show(this.work.result(wanted.take).id);
    else this.work.showSeed();
    this.work.give(wanted.given, wanted.settings);
    if (wanted.take) this.arrived(wanted);
  }

  /** It stands on the stage: who made it, and it sounds. @param {Wanted} wanted */
  arrived({take, other}) {
    this.views.show("compose");
    const by = `Composed by ${take.title}, random seed ${take.randomSeed}.`;
    this.views.compose.status.textContent = other ? `${by} The weights here are different, so a new run may differ.` : by;
    this.player.playWhenAllowed();
  }

  /** What can be taken home, as the visitor has changed it since it was composed. @returns {import("./takes.js").Take | null} */
  get kept() {
    const take = this.views.view.kept;
    return take && (this.work.all.get(take.id) ?? take);
  }

  /** The address of all that stands on the page: a take, music given, or settings alone. */
  async whole() {
    const {settings, given} = this.work, {piece, rows} = this.views.compose.sheet, here = location.origin + location.pathname;
    const seed = {model: "", title: "", weights: "", randomSeed: settings.random_seed, state: "done", starred: false, id: "", number: 0,
      piece, notes: rows, mixer: this.views.transport.next, settings, given};
    const take = this.kept ?? (given ? seed : null);
    return take ? `${here}#${await linkOf(take)}` : `${here}?${queryOf(settings)}`;
  }

  /** What is printed: the piece that is shown. */
  get onPaper() {
    const {view} = this.views, sheet = view.chosen, take = this.kept ?? view.soFar, {link = ""} = this.toolbar.link.dataset;
    if (!sheet?.piece) return null;
    const by = take ? `Composed by ${take.title} with Nonet, random seed ${take.randomSeed}` : "Seed notes, to be completed with Nonet";
    return {piece: sheet.piece, notes: sheet.roll.notes, by, link};
  }

  /** Another take may be on the stage, or none. */
  async tell() {
    const take = this.kept;
    if (take === this.addressed) return;
    this.addressed = take;
    const fragment = take ? await linkOf(take) : null;
    if (take === this.addressed) this.toolbar.address(fragment && `${location.origin}${location.pathname}#${fragment}`);
  }
}
