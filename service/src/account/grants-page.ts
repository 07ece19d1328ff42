import { html } from 'hono/html'
import type { Introduction } from '#agents'
import { type Html, page } from '#http'
import type { Handover, HeldMount, HeldScope } from './held.ts'

/** One grant as its user gets to see it. Times in milliseconds. */
export interface ShownGrant {
  readonly id: string
  readonly agent: Introduction
  readonly mounts: readonly HeldMount[]
  readonly createdAt: number
  readonly usedAt: number | undefined
}

/** The user's own page: which agents act for them, where, what they may do there, until when; and the end of each. */
export function grantsPage(shown: {
  readonly grants: readonly ShownGrant[]
  /** Comes back with each button. */
  readonly ticket: string
  /** The name of an agent that was just stopped. */
  readonly stopped: string | undefined
  readonly footer: Html
}): Html {
  const { grants, ticket, stopped, footer } = shown
  return page(
    'What you allowed',
    html`${
      stopped === undefined
        ? ''
        : html`<p role="status"><bdi>${stopped}</bdi> cannot act for you any more, from now on.</p>`
    }
    ${
      grants.length === 0
        ? html`<p>No agent may act for you. When one asks, you will see here what you allowed it.</p>`
        : html`<p>
            These agents may act for you. What you take back stops at once; the agent has to ask you again.
          </p>`
    }
    ${grants.map((grant, place) => grantSection(grant, `agent-${place}`, ticket))} ${footer}`,
  )
}

function grantSection(grant: ShownGrant, heading: string, ticket: string): Html {
  const { id, agent, mounts, createdAt, usedAt } = grant
  return html`<section aria-labelledby="${heading}">
    <h2 id="${heading}"><bdi>${agent.name}</bdi></h2>
    <p class="quiet">${origin(agent)}</p>
    ${mounts.map(mountPart)}
    <dl>
      <dt>Since</dt>
      <dd>${time(createdAt)}</dd>
      <dt>Last used</dt>
      <dd>${usedAt === undefined ? 'never' : time(usedAt)}</dd>
    </dl>
    <form method="post" action="/grants/${encodeURIComponent(id)}/revoke">
      <input type="hidden" name="page" value="${ticket}" />
      <div class="actions"><button aria-describedby="${heading}">Take it back</button></div>
    </form>
  </section>`
}

function origin({ namedBy }: Introduction): Html {
  if (namedBy.kind === 'catalogue') return html`Named by your administrator`
  return namedBy.kind === 'registered'
    ? html`It gave itself this name`
    : html`From <strong>${namedBy.host}</strong>`
}

function mountPart({ server, scopes, handovers, expiresAt }: HeldMount): Html {
  return html`<h3>${server} <small>until ${time(expiresAt)}</small></h3>
    <ul class="scopes">
      ${scopes.map(scopeItem)}
    </ul>
    ${handovers.length === 0 ? '' : handoverList(handovers)}`
}

function handoverList(handovers: readonly Handover[]): Html {
  return html`<p>Part of it may be handed on:</p>
    <ul class="kept">
      ${handovers.map(({ from, to }) => html`<li><bdi>${from}</bdi> to <bdi>${to}</bdi></li>`)}
    </ul>`
}

function scopeItem({ words, reaches }: HeldScope): Html {
  const through = reaches.map((it) => html`<li>and through it, at ${it.api}: ${it.words}</li>`)
  return html`<li>
    ${words}
    ${
      reaches.length === 0
        ? ''
        : html`<ul>
            ${through}
          </ul>`
    }
  </li>`
}

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })

function time(milliseconds: number): Html {
  const date = new Date(milliseconds)
  return html`<time datetime="${date.toISOString()}">${day.format(date)} UTC</time>`
}
