import { html } from 'hono/html'
import type { Claims } from './answer.ts'
import type { Html } from './page.ts'

/** The claims that are the same in every token of a chain, and those that tell one hop from the next. */
const SAME = ['sub', 'sub_id', 'txn']
const HOP = ['aud', 'client_id', 'act', 'scope']

/** The claims of a token as readable JSON: the ones that matter first, and marked. */
export function claimsView(claims: Claims): Html {
  const first = [...HOP, ...SAME].filter((name) => name in claims)
  const names = [...first, ...Object.keys(claims).filter((name) => !first.includes(name))]
  const lines = names.flatMap((name, i) => claimLines(name, claims[name], i === names.length - 1))
  return html`<pre class="claims"><code>${['{\n', ...lines, '}']}</code></pre>`
}

function claimLines(name: string, value: unknown, last: boolean): readonly (Html | string)[] {
  const written = `${JSON.stringify(name)}: ${JSON.stringify(value, null, 2)}${last ? '' : ','}`
  return written.split('\n').flatMap((line) => {
    const text = line.trimStart()
    return [' '.repeat(2 + line.length - text.length), marked(name, text), '\n']
  })
}

function marked(name: string, text: string): Html | string {
  if (HOP.includes(name)) return html`<mark class="hop">${text}</mark>`
  if (SAME.includes(name)) return html`<mark class="same">${text}</mark>`
  return text
}
