/** The one style sheet: light and dark, from 320 pixels up. */
export const stylesheet = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f9, #14161a);
  --card: light-dark(#fff, #1d2026);
  --ink: light-dark(#1b1f27, #e8eaee);
  --soft: light-dark(#59616f, #a3abb8);
  --line: light-dark(#d9dde4, #343a45);
  --accent: light-dark(#2451c5, #8fb0ff);
  --on-accent: light-dark(#fff, #101420);
  --same: light-dark(#d6f2df, #1e4630);
  --hop: light-dark(#fdeac2, #574214);
  --refused: light-dark(#fde3e1, #54221f);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 0 0 .8rem; }
header p { max-width: 46rem; color: var(--soft); margin: 0 0 1.5rem; }
.columns { display: grid; gap: 1rem; align-items: start; }
.column, .audit { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem; min-width: 0; }
.audit { margin-top: 1rem; }
button, .button {
  display: inline-block; font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1rem; cursor: pointer;
  border: 1px solid var(--accent); border-radius: .5rem; background: var(--accent); color: var(--on-accent); text-decoration: none;
}
button.quiet { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.hint { color: var(--soft); }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
.refusal { background: var(--refused); border-radius: .5rem; padding: .7rem .9rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { text-align: left; padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th, tfoot th, tfoot td { font-weight: 600; }
.result td { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; }
.audit td { white-space: nowrap; }
.scroll { overflow-x: auto; }
.legs { list-style: none; display: flex; align-items: stretch; padding: 0; margin: 1.2rem 0 .8rem; }
.party { flex: 1 1 0; min-width: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .3rem; text-align: center; }
.party strong, .party small { display: block; font-size: .8rem; line-height: 1.3; }
.party small { color: var(--soft); font-size: .7rem; }
.leg { flex: 0 0 3rem; display: flex; flex-direction: column; justify-content: center; text-align: center; }
.leg span { font-size: .68rem; line-height: 1.15; color: var(--soft); padding: 0 .2rem; }
.leg::after { content: "⟶"; color: var(--accent); font-size: 1.3rem; line-height: 1; }
.legend { font-size: .8rem; margin: 0 0 .8rem; }
mark { color: inherit; border-radius: .2rem; padding: .05rem .2rem; }
mark.same { background: var(--same); }
mark.hop { background: var(--hop); }
details { border-top: 1px solid var(--line); padding: .5rem 0; }
summary { cursor: pointer; font-weight: 600; padding: .3rem 0; }
.claims { margin: .3rem 0 .4rem; overflow-x: auto; font: .78rem/1.55 ui-monospace, monospace; }
.claims mark { padding: 0; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
@media (min-width: 60rem) { .columns { grid-template-columns: 1fr 1fr; } }
@media (max-width: 36rem) {
  .legs { flex-direction: column; }
  .leg { flex: none; flex-direction: row; align-items: center; gap: .3rem; padding: .15rem 0; }
  .leg::after { content: "↓"; }
}
`
