import { html } from 'hono/html'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { page } from '#http'

/** What a person sees when the library refuses a request and there is no agent to send the refusal back to. */
export async function renderProtocolError(
  ctx: KoaContextWithOIDC,
  out: { readonly error: string; readonly error_description?: string | undefined },
): Promise<void> {
  const unknownAgent = out.error === 'invalid_client'
  const todo = unknownAgent
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
          <dd>${out.error_description ?? 'none given'}</dd>
        </dl>`,
    ),
  )
}
