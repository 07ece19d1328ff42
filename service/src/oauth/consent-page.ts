import { html } from 'hono/html'
import { page } from '#http'
import type { Server } from '#servers'
import type { User } from '#users'
import type { ShownScope } from './closure.ts'

/** What a consent page says: facts of ours; of the agent only what the catalogue says of it. */
interface Shown {
  readonly agent: string
  readonly redirectUri: string
  readonly user: User
  readonly server: Server
  readonly shown: readonly ShownScope[]
  /** When the permission ends, in milliseconds. */
  readonly until: number
}

interface Form {
  readonly action: string
  /** Comes back with the answer: it counts for what this page shows and nothing else. */
  readonly ticket: string
  readonly problem?: string | undefined
}

/** The consent page (DESIGN §7): who asks, what for, what it reaches through `calls`, until when. */
export function consentPage(
  { action, ticket, problem }: Form,
  { agent, redirectUri, user, server, shown, until }: Shown,
) {
  return page(
    `Let ${agent} act for you?`,
    html`${problem === undefined ? '' : html`<p role="alert">${problem}</p>`}
      <p>
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
        <dd><code>${new URL(redirectUri).host}</code></dd>
      </dl>
      <form method="post" action="${action}">
        <input type="hidden" name="shown" value="${ticket}" />
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
