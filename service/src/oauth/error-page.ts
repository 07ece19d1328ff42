import { html } from 'hono/html'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { type Html, page } from '#http'
import { Fault } from '#kernel'

/** What a person sees when the library refuses a request and there is no agent to send the refusal back to. */
export async function renderProtocolError(
  ctx: KoaContextWithOIDC,
  out: { readonly error: string; readonly error_description?: string | undefined },
  error?: unknown,
): Promise<void> {
  // A failure of ours has its own sentence, which says what to do.
  const own = error instanceof Error && error.cause instanceof Fault ? error.cause : undefined
  const { title, todo } = own === undefined ? advice(out.error) : ofOurs(own)
  ctx.body = String(
    await page(
      title,
      html`${todo}
        <p>If you see this page again, tell the people who run the agent what is written here.</p>
        <dl>
          <dt>Error</dt>
          <dd><code>${out.error}</code></dd>
          <dt>Reason</dt>
          <dd>${own === undefined ? (out.error_description ?? 'none given') : reasonOf(own)}</dd>
        </dl>`,
    ),
  )
}

function reasonOf({ code, data }: Fault) {
  const reason = data?.['reason']
  return html`<code>${code}</code>${typeof reason === 'string' ? html`: ${reason}` : ''}`
}

function ofOurs({ message }: Fault): Advice {
  return { title: 'This request cannot go on', todo: html`<p>${message}</p>` }
}

interface Advice {
  readonly title: string
  readonly todo: Html
}

function advice(error: string): Advice {
  switch (error) {
    // Agents keep the id they were once given for ever (MCP clients do not ask for a new one by themselves).
    case 'invalid_client':
      return {
        title: 'This agent is not known here',
        todo: html`<p>It may have been known once. So that it introduces itself again:</p>
          <ol>
            <li>In your application, remove this server.</li>
            <li>Add it again.</li>
            <li>Sign in from there.</li>
          </ol>`,
      }
    case 'invalid_redirect_uri':
      return {
        title: 'The answer would go astray',
        todo: html`<p>
          The agent wants the answer at an address that it has not registered, so nothing was sent there. If
          you followed a link that somebody gave you, leave it. If you started this yourself, remove this
          server from your application and add it again.
        </p>`,
      }
    default:
      return {
        title: 'This request cannot go on',
        todo: html`<p>Go back to the agent and begin again.</p>`,
      }
  }
}
