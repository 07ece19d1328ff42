import { html } from 'hono/html'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { page } from '#http'
import { Fault } from '#kernel'

/** What a person sees when the library refuses a request and there is no agent to send the refusal back to. */
export async function renderProtocolError(
  ctx: KoaContextWithOIDC,
  out: { readonly error: string; readonly error_description?: string | undefined },
  error?: unknown,
): Promise<void> {
  // A failure of ours has its own sentence, which says what to do.
  const own = error instanceof Error && error.cause instanceof Fault ? error.cause : undefined
  const unknownAgent = out.error === 'invalid_client'
  const todo =
    own !== undefined
      ? own.message
      : unknownAgent
        ? 'This agent is not known here. Remove this server from the agent, add it again, and start over.'
        : 'Go back to the agent and start again. If it happens again, tell the people who run the agent what is written here.'
  ctx.body = String(
    await page(
      'This request cannot go on',
      html`<p>${todo}</p>
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
