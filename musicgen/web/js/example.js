/** The list of tunes that everybody knows: a native one, which opens by the keys and the touch that one is used to. */

/**
 * @param {HTMLElement} root @param {{value: string | null, names: string[]}} props
 * @param {(name: string, callback: () => void) => void} watch @param {(event: string) => void} trigger tells that the visitor chose
 */
export function examples(root, props, watch, trigger) {
  const select = root.querySelector("select"), own = new Option("Your own notes", "", true, true);
  own.hidden = true;  // that is what stands there, and nothing to choose
  select.append(own, ...props.names.map(name => new Option(name, name)));
  const show = () => { select.value = props.value ?? ""; };
  select.addEventListener("change", () => {
    props.value = select.value;
    trigger("input");
  });
  watch("value", show);
  show();
}
