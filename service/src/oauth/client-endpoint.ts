import { type Handler, httpFault, readBody, sendJson } from '#http'
import type { Log } from '#kernel'
import { authenticateClient, type Client, type ClientAuthenticationDeps } from './client-authentication.ts'
import { fault } from './faults.ts'
import { BODY_BYTES_MAX, formOf, isForm, sendTokenError } from './token-endpoint.ts'

export interface ClientEndpointDeps {
  readonly clients: ClientAuthenticationDeps
  readonly log: Log
}

/** What a client says of one token, and who says it. The client was authenticated. */
export interface AboutToken {
  readonly client: Client
  readonly token: string
}

/**
 * An endpoint to which clients post one token: the rules of the token endpoint for form, proof and failures. `token_type_hint`
 * saves a search that is none here (RFC 7009 §2.1): it is not looked at, and a wrong one does no harm.
 */
export function clientEndpoint(
  { clients, log }: ClientEndpointDeps,
  answer: (about: AboutToken) => Promise<object>,
): Handler {
  return async (request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('allow', 'POST')
      throw httpFault.method_not_allowed()
    }
    try {
      const body = await readBody(request, BODY_BYTES_MAX)
      if (!isForm(request)) throw fault.form_malformed()
      const { single, resource, audience } = formOf(request, new URLSearchParams(body.toString()))
      if (resource.length > 1 || audience.length > 1) throw fault.form_malformed()
      const client = await authenticateClient(
        { ...single, authorization: request.headers.authorization },
        clients,
      )
      const { token } = single
      if (token === undefined) throw fault.token_missing()
      sendJson(response, 200, await answer({ client, token }))
    } catch (error) {
      sendTokenError(response, error, log)
    }
  }
}
