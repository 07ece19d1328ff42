import { html } from 'hono/html'
import type { Introduction } from '#agents'
import { type Html, page } from '#http'
import type { Server } from '#servers'
import type { User } from '#users'
import type { ShownScope } from './closure.ts'
import { boxOf, type Choice, delegateBoxOf, durations } from './consent-form.ts'
import type { ShownHandover } from './handovers.ts'
import type { Receiver } from './receiver.ts'

/** What a consent page says: facts of ours, and of the agent who says what it is called. */
interface Shown {
  readonly agent: Introduction
  readonly receiver: Receiver
  readonly user: User
  readonly server: Server
  readonly shown: readonly ShownScope[]
  /** What was agreed to before and goes on with this. */
  readonly kept: readonly ShownScope[]
  /** The sub-agents it may hand part of it to. */
  readonly handovers: readonly ShownHandover[]
}

interface Form {
  readonly action: string
  /** Comes back with the answer: it counts for what this page shows and nothing else. */
  readonly ticket: string
  /** What was chosen before, on a page that is shown again. */
  readonly choice: Choice
  readonly problem?: string | undefined
  /** Who is signed in. */
  readonly footer: Html
}

/** The consent page (DESIGN §7): who asks, what for, what it reaches through `calls`, whom it may hand to, for how long. */
export function consentPage({ action, ticket, choice, problem, footer }: Form, request: Shown) {
  const { agent, user, server, shown, kept, handovers } = request
  return page(
    `Let ${agent.name} act for you?`,
    html`${problem === undefined ? '' : html`<p role="alert">${problem}</p>`} ${origin(agent)}
      <p>
        You are signed in as <strong><bdi>${user.name}</bdi></strong
        >. <strong><bdi>${agent.name}</bdi></strong> asks to use <strong>${server.name}</strong> in your name.
        Take away what you do not want it to do.
      </p>
      <form method="post" action="${action}">
        <input type="hidden" name="shown" value="${ticket}" />
        <fieldset>
          <legend>In ${server.name} it may</legend>
          <ul class="scopes">
            ${shown.map((it, place) => scopeBox(it, choice.scopes.has(it.scope), place))}
          </ul>
        </fieldset>
        ${kept.length === 0 ? '' : keptScopes(kept)}
        ${
          handovers.length === 0
            ? ''
            : html`<fieldset>
                <legend>It may hand part of this to</legend>
                <ul class="scopes">
                  ${handovers.map((it, place) => handoverBox(it, choice.delegates.has(it.agent), place))}
                </ul>
              </fieldset>`
        }
        <fieldset class="choices">
          <legend>For</legend>
          ${durations.map((it) => durationButton(it, choice.lastsSeconds))}
        </fieldset>
        <p class="quiet">Or until you take it back, at <a href="/grants">what you allowed</a>.</p>
        ${receiver(request)}
        <div class="actions">
          <button name="decision" value="deny">Do not allow</button>
          <button class="primary" name="decision" value="allow">Allow</button>
        </div>
      </form>
      ${footer}`,
  )
}

/** Whose word the name is. */
function origin({ namedBy }: Introduction): Html {
  if (namedBy.kind === 'catalogue') return html`<p class="quiet">Named by your administrator.</p>`
  if (namedBy.kind === 'registered') {
    return html`<p class="warn">It gave itself this name, and nobody has checked it.</p>`
  }
  return html`<p class="origin"><span class="quiet">It comes from</span> <strong>${namedBy.host}</strong></p>
    ${namedBy.listed ? '' : html`<p class="warn">Nobody here has checked it. Its name is its own word.</p>`}`
}

function scopeBox({ scope, words, reaches }: ShownScope, ticked: boolean, place: number): Html {
  const through = `through-${place}`
  return html`<li>
    <label class="box">
      <input
        type="checkbox"
        name="${boxOf(scope)}"
        value="on"
        ${reaches.length === 0 ? '' : html`aria-describedby="${through}"`}
        ${ticked ? 'checked' : ''}
      />
      <span
        ><strong>${words}</strong> <small><code>${scope}</code></small></span
      >
    </label>
    ${
      reaches.length === 0
        ? ''
        : html`<ul id="${through}">
            ${reaches.map((it) => html`<li>and through it, at ${it.api}: ${it.words} <code>${it.scope}</code></li>`)}
          </ul>`
    }
  </li>`
}

function handoverBox({ agent, name, onwards }: ShownHandover, ticked: boolean, place: number): Html {
  const further = `further-${place}`
  return html`<li>
    <label class="box">
      <input
        type="checkbox"
        name="${delegateBoxOf(agent)}"
        value="on"
        ${onwards.length === 0 ? '' : html`aria-describedby="${further}"`}
        ${ticked ? 'checked' : ''}
      />
      <span
        ><strong><bdi>${name}</bdi></strong> <small><code>${agent}</code></small></span
      >
    </label>
    ${
      onwards.length === 0
        ? ''
        : html`<ul id="${further}">
            ${onwards.map(
              ({ from, to }) =>
                html`<li>and <bdi>${from}</bdi> may hand part of that to <bdi>${to}</bdi></li>`,
            )}
          </ul>`
    }
  </li>`
}

function keptScopes(kept: readonly ShownScope[]): Html {
  return html`<p>You allowed more here before, and it will end at the same time:</p>
    <ul class="kept">
      ${kept.map(
        ({ words, scope }) =>
          html`<li>
            ${words} <small><code>${scope}</code></small>
          </li>`,
      )}
    </ul>`
}

function durationButton(
  { seconds, words }: { readonly seconds: number; readonly words: string },
  chosen: number,
): Html {
  return html`<label>
    <input type="radio" name="lasts" value="${seconds}" ${seconds === chosen ? 'checked' : ''} />
    ${words}
  </label>`
}

/** Where the answer goes, and what a person has to know about that. */
function receiver({ agent, receiver }: Shown): Html {
  const to =
    receiver.kind === 'app'
      ? html`apps that open <code>${receiver.scheme}</code> links`
      : html`<code>${receiver.host}</code>`
  return html`<dl>
      <dt>The answer goes to</dt>
      <dd>${to}</dd>
    </dl>
    ${warning(agent, receiver)}`
}

function warning({ name }: Introduction, receiver: Receiver): Html | '' {
  if (receiver.kind === 'app') {
    return html`<p class="warn">
      Whichever app on this device opens <code>${receiver.scheme}</code> links receives the answer. Go on only
      if you came here from <bdi>${name}</bdi>, just now.
    </p>`
  }
  if (receiver.kind === 'host' || !receiver.only) return ''
  return html`<p class="warn">
    Any program on this computer can receive it, and <bdi>${name}</bdi> has no other address. Go on only if
    you started this yourself, just now.
  </p>`
}
