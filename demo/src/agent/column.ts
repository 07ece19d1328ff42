import { html } from 'hono/html'
import type { Answer } from './answer.ts'
import { claimsView } from './claims-view.ts'
import type { Commission } from '../commission.ts'
import type { Person } from '../company.ts'
import { legs } from './legs.ts'
import type { Html } from './page.ts'
import type { Research } from './research.ts'
import type { Desk } from './visitors.ts'

/** One user's column: how to sign in, or what their call brought and what every hop carried. */
export function column(person: Person, desk: Desk | undefined): Html {
  return html`<section class="column" id="${person.username}" aria-labelledby="h-${person.username}">
    <h2 id="h-${person.username}">${person.name}</h2>
    ${desk === undefined || desk.ended ? signedOut(person, desk) : signedIn(person, desk)}
  </section>`
}

const ENDED = {
  expired: 'The sign-in has ended: a token lives for minutes. Sign in again.',
  not_taken:
    'The gateway no longer takes this token, although it has not expired: its grant was revoked. Sign in again.',
}

function signedOut({ username, name, password }: Person, desk: Desk | undefined): Html {
  return html`${desk?.ended && html`<p class="refusal" role="status">${ENDED[desk.ended]}</p>`}
    <form method="post" action="/sign-in">
      <input type="hidden" name="user" value="${username}" />
      <button>Sign in as ${name}</button>
    </form>
    <p class="hint">User <code>${username}</code>, password <code>${password}</code></p>
    ${
      desk?.answer && html`${commission(desk.answer.result)} ${legs(name, 'Assistant')} ${hops(desk.answer)}`
    }`
}

function signedIn({ username, name }: Person, { answer, refusal, research }: Desk): Html {
  return html`${refusal === undefined ? '' : refused(refusal.tool, refusal.sentence)}
    ${answer === undefined ? '' : commission(answer.result)}
    <div class="actions">
      ${callButton(username, 'my_commission', 'Call again')}
      ${callButton(username, 'delete_customer', 'Try to delete a customer (not permitted)')}
    </div>
    ${answer === undefined ? '' : html`${legs(name, 'Assistant')} ${hops(answer)}`}
    <h3>A sub-agent</h3>
    <p class="hint">
      The planner is an agent that the administrator named. It hands a part of what you allow it, reading
      alone, to the researcher. Nobody but the researcher can use that part.
    </p>
    <form method="post" action="/research">
      <input type="hidden" name="user" value="${username}" />
      <button class="quiet">Let the researcher look</button>
    </form>
    ${research === undefined ? '' : found(name, research)}`
}

function found(name: string, { handed, answer, refusal }: Research): Html {
  return html`${refusal === undefined ? '' : refused('The researcher’s call', refusal)}
  ${
    handed === undefined || answer === undefined
      ? ''
      : html`${commission(answer.result)} ${legs(name, 'Planner', 'Researcher')}
          <details>
            <summary>The part: what the planner handed to the researcher</summary>
            ${claimsView(handed)}
          </details>
          ${hops(answer)}`
  }`
}

function refused(tool: string, sentence: string): Html {
  return html`<p class="refusal" role="status"><strong>${tool} was refused.</strong> ${sentence}</p>`
}

function callButton(username: string, tool: string, label: string): Html {
  return html`<form method="post" action="/call">
    <input type="hidden" name="user" value="${username}" />
    <input type="hidden" name="tool" value="${tool}" />
    <button class="${tool === 'my_commission' ? 'primary' : 'quiet'}">${label}</button>
  </form>`
}

function commission({ month, deals, rate, commission }: Commission): Html {
  return html`<table class="result">
    <caption>
      Commission for ${month}, as payroll states it
    </caption>
    <tbody>
      ${deals.map(
        ({ customer, amount }) =>
          html`<tr>
            <th scope="row">${customer}</th>
            <td>${euro(amount)}</td>
          </tr>`,
      )}
    </tbody>
    <tfoot>
      <tr>
        <th scope="row">Commission (${rate} %)</th>
        <td>${euro(commission)}</td>
      </tr>
    </tfoot>
  </table>`
}

function hops({ tokens: [token1, token2, token3] }: Answer): Html {
  return html`<p class="legend">
      <mark class="same">The same at every hop</mark> <mark class="hop">Of this hop alone</mark>
    </p>
    <details open>
      <summary>Token 1: what the agent holds</summary>
      ${claimsView(token1)}
    </details>
    <details open>
      <summary>Token 2: what the MCP server received</summary>
      ${claimsView(token2)}
    </details>
    <details open>
      <summary>Token 3: what the API received</summary>
      ${claimsView(token3)}
    </details>`
}

function euro(amount: number): string {
  return amount.toLocaleString('en-IE', { style: 'currency', currency: 'EUR' })
}
