import { html } from 'hono/html'
import { isNativeRedirect, redirectName } from '#agents'
import { page } from '#http'
import type { Server } from '#servers'
import type { User } from '#users'
import type { ShownScope } from './closure.ts'

/** Who says that an agent is what it calls itself. */
export type NamedBy =
  | { readonly kind: 'catalogue' }
  | { readonly kind: 'document'; readonly host: string; readonly listed: boolean }
  | { readonly kind: 'registered' }

/** What a consent page says: facts of ours; of the agent what the catalogue says, or what it says itself, told apart. */
interface Shown {
  readonly agent: string
  readonly named: NamedBy
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
  { agent, named, redirectUri, user, server, shown, until }: Shown,
) {
  return page(
    `Let ${agent} act for you?`,
    html`${problem === undefined ? '' : html`<p role="alert">${problem}</p>`}
      <p>
        You are signed in as <strong>${user.name}</strong>. <strong>${agent}</strong> asks to use
        <strong>${server.name}</strong> in your name:
      </p>
      ${cautions(named, redirectUri)}
      <ul class="scopes">
        ${shown.map(scopeItem)}
      </ul>
      <dl>
        <dt>Until</dt>
        <dd>${new Date(until).toISOString().slice(0, 10)}, or until you take it back</dd>
        <dt>Answer goes to</dt>
        <dd><code>${redirectName(redirectUri)}</code></dd>
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

/** What a person should know of an agent that named itself (MCP authorization, security considerations). */
function cautions(named: NamedBy, redirectUri: string) {
  if (named.kind === 'catalogue') return ''
  const local = isNativeRedirect(redirectUri)
    ? html`<p>
        The answer goes to a program on your computer, and any program there can call itself so. Go on only if
        you have just started this yourself.
      </p>`
    : ''
  return html`<p>${whoSaysSo(named)}</p>
    ${local}`
}

function whoSaysSo(named: NamedBy) {
  if (named.kind !== 'document') {
    return html`<strong>Nobody has checked this name:</strong> the agent registered itself, and calls itself
      what it likes.`
  }
  return named.listed
    ? html`It is described at <code>${named.host}</code>.`
    : html`It is described at <code>${named.host}</code>, which nobody here has checked. The name is its own.`
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
