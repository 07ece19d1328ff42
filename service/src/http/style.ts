/** The style of our pages, inlined: a page makes no request. */
export const style = `
:root { color-scheme: light dark; --ink: #14212b; --quiet: #51616d; --paper: #f4f6f7; --card: #fff; --line: #d3dbe0; --edge: #74838e; --accent: #0b6e69; --on-accent: #fff; --warn: #8a4b00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eef1; --quiet: #a3b3bd; --paper: #10181d; --card: #18232a; --line: #32424c; --edge: #728692; --accent: #4fc3b8; --on-accent: #06201e; --warn: #f0b35f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 8vh auto 2rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 0.75rem; }
@media (max-width: 34rem) { main { margin: 0; min-height: 100vh; border: 0; border-radius: 0; padding: 1.5rem; } }
.brand { margin: 0 0 1.25rem; font-weight: 700; letter-spacing: 0.04em; color: var(--accent); }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h1, h2 { overflow-wrap: anywhere; }
h2 { margin: 0; font-size: 1.125rem; line-height: 1.3; }
h3 { margin: 1rem 0 0.25rem; font-size: 1rem; }
h3 small { font-weight: 400; }
section { margin: 1.5rem 0 0; padding: 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }
section .actions { margin-top: 1rem; }
section dl { border-width: 1px 0 0; padding-bottom: 0; }
footer { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); overflow-wrap: anywhere; }
footer button { flex: none; padding: 0.5rem 0.75rem; }
p { margin: 0 0 0.75rem; }
.quiet, dt, small { color: var(--quiet); }
.warn { color: var(--warn); }
label { display: block; margin: 0 0 0.25rem; font-weight: 600; }
input:not([type=hidden], [type=checkbox], [type=radio]) { width: 100%; margin: 0 0 1rem; padding: 0.625rem 0.75rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge); border-radius: 0.375rem; }
fieldset { margin: 0 0 1rem; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin: 0 0 0.25rem; font-weight: 600; overflow-wrap: anywhere; }
fieldset label { margin: 0; font-weight: 400; }
input[type=checkbox], input[type=radio] { flex: none; width: 1.125rem; height: 1.125rem; margin: 0.2rem 0 0; accent-color: var(--accent); }
.box { display: flex; gap: 0.625rem; align-items: flex-start; min-width: 0; overflow-wrap: anywhere; }
.box span { min-width: 0; }
.choices { margin: 1rem 0 0.5rem; }
.choices label { display: inline-flex; gap: 0.375rem; align-items: flex-start; margin: 0 0.875rem 0 0; white-space: nowrap; }
ul.kept { margin: 0 0 1rem; padding: 0 0 0 1.25rem; color: var(--quiet); overflow-wrap: anywhere; }
dl + .warn { margin-top: 1rem; }
ol { margin: 0 0 1rem; padding: 0 0 0 1.25rem; }
.origin strong { font-size: 1.25rem; overflow-wrap: anywhere; }
ul.scopes { margin: 0; padding: 0; list-style: none; }
ul.scopes > li { padding: 0.75rem 0; border-top: 1px solid var(--line); }
ul.scopes li { overflow-wrap: anywhere; }
ul.scopes > li > .box + ul { margin-left: 1.75rem; }
ul.scopes ul { margin: 0.25rem 0 0; padding: 0 0 0 1.25rem; list-style: '\\2192\\00a0'; color: var(--quiet); }
code { font: 0.875em ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1rem; margin: 0; padding: 1rem 0; border: solid var(--line); border-width: 1px 0; }
dd { margin: 0; overflow-wrap: anywhere; }
.actions { display: flex; gap: 0.75rem; margin-top: 1.5rem; }
button { flex: 1; padding: 0.75rem 1rem; font: inherit; font-weight: 600; border-radius: 0.375rem; border: 1px solid var(--edge); background: transparent; color: inherit; cursor: pointer; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role=status] { margin: 0 0 1rem; padding: 0.75rem; border: 1px solid var(--accent); border-radius: 0.375rem; }
[role=alert] { margin: 0 0 1rem; padding: 0.75rem; border: 1px solid var(--warn); border-radius: 0.375rem; color: var(--warn); }
`.trim()
