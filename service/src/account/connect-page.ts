import { html } from 'hono/html'
import { type Html, page } from '#http'

/** Whether an API that goes by a provider's ids can know this user, by which id, and what to do where it cannot. */
export function connectPage(shown: {
  /** The provider's name in the catalogue. */
  readonly provider: string
  /** The user's id there; undefined when they are not linked. */
  readonly id: string | undefined
  readonly footer: Html
}): Html {
  const { provider, id, footer } = shown
  return page(`You at ${provider}`, html`${id === undefined ? notLinked(provider) : linked(provider, id)} ${footer}`)
}

function linked(provider: string, id: string): Html {
  return html`<p>
      You are linked. To whoever goes by <strong>${provider}</strong>, you are
      <strong><bdi>${id}</bdi></strong>.
    </p>
    <p>If that is you, go back to your agent and ask it again. If it is somebody else, tell your administrator.</p>`
}

function notLinked(provider: string): Html {
  return html`<p>
      You are not linked at <strong>${provider}</strong>. What goes by it cannot know who you are, so no agent
      can use it for you.
    </p>
    <p>
      Ask the administrator of this Tetrapod to link you: they need the id you have at ${provider}, and write it
      beside your name in the configuration. Then go back to your agent and ask it again.
    </p>`
}
