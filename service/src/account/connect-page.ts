import { html } from 'hono/html'
import { type Html, page } from '#http'

/** As whom the services that go by a provider's ids know this user, and what to do where they cannot. */
export function connectPage(shown: {
  /** The provider's name in the catalogue. */
  readonly provider: string
  /** The user's id there; undefined when they are not linked. */
  readonly id: string | undefined
  readonly footer: Html
}): Html {
  const { provider, id, footer } = shown
  return page(
    `You at ${provider}`,
    html`${id === undefined ? notLinked(provider) : linked(provider, id)} ${footer}`,
  )
}

function linked(provider: string, id: string): Html {
  return html`<p>You are linked. Services that know people by their account at ${provider} know you as:</p>
    <p>
      <strong><bdi>${id}</bdi></strong>
    </p>
    <p>Go back to your agent and ask it again. If this is not you, tell your administrator.</p>`
}

function notLinked(provider: string): Html {
  return html`<p>
      You are not linked. Services that know people by their account at ${provider} cannot know who you are,
      so no agent can use them for you.
    </p>
    <p>
      Ask the administrator of this Tetrapod to link you: they need the id that you have at ${provider}, and
      write it beside your name in the configuration. Then go back to your agent and ask it again.
    </p>`
}
