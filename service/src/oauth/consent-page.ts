import { html } from 'hono/html'
import { page } from '#http'
import type { Server } from '#servers'
import type { User } from '#users'
import type { ShownScope } from './closure.ts'

/** What a consent page says: facts of ours; of the agent only what the catalogue says of it. */
export interface ConsentRequest {
  readonly agent: string
  readonly redirectHost: string
  readonly user: User
  readonly server: Server
  readonly shown: readonly ShownScope[]
  /** When the permission ends, in milliseconds. */
  readonly until: number
}

/** The consent page (DESIGN §7): who asks, what for, what it reaches through `calls`, until when. */
export function consentPage(
  action: string,
  { agent, redirectHost, user, server, shown, until }: ConsentRequest,
) {
  return page(
    `Let ${agent} act for you?`,
    html`<p>
        You are signed in as <strong>${user.name}</strong>. <strong>${agent}</strong> asks to use
        <strong>${server.name}</strong> in your name:
      </p>
      <ul class="scopes">
        ${shown.map(scopeItem)}
      </ul>
      <dl>
        <dt>Until</dt>
        <dd>${new Date(until).toISOString().slice(0, 10)}, or until you take it back</dd>
        <dt>Answer goes to</dt>
        <dd><code>${redirectHost}</code></dd>
      </dl>
      <form method="post" action="${action}">
        <div class="actions">
          <button name="decision" value="deny">Do not allow</button>
          <button class="primary" name="decision" value="allow">Allow</button>
        </div>
      </form>`,
  )
}

function scopeItem({ scope, words, reaches }: ShownScope) {
  return html`<li>
    <strong>${words}</strong> <small><code>${scope}</code></small>
    ${
      reaches.length === 0
        ? ''
        : html`<ul>
            ${reaches.map((it) => html`<li>and through it, at ${it.api}: ${it.words} <code>${it.scope}</code></li>`)}
          </ul>`
    }
  </li>`
}
