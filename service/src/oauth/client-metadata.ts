import { SIGNING_ALGORITHM } from '@tetrapod/protocol'
import type { AdapterPayload } from 'oidc-provider'
import type { NamedAgent } from '#agents'
import { hashedSecret } from './client-secret.ts'

const codeFlow = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
/** No user could come back to it: it only takes what other agents hand to it. */
const noCodeFlow = { grant_types: [], response_types: [] }

/** An agent of the catalogue as the library knows clients (RFC 7591 §2). */
export function clientMetadata({ key, name, redirectUris, credential }: NamedAgent): AdapterPayload {
  const common = {
    client_id: key,
    client_name: name,
    redirect_uris: [...redirectUris],
    ...(redirectUris.length === 0 ? noCodeFlow : codeFlow),
    // The others put the code where scripts and other pages find it.
    response_modes: ['query'],
  }
  const authentication =
    credential.method === 'private_key_jwt'
      ? {
          token_endpoint_auth_method: 'private_key_jwt',
          token_endpoint_auth_signing_alg: SIGNING_ALGORITHM,
          jwks_uri: credential.jwksUri,
        }
      : {
          token_endpoint_auth_method: 'client_secret_post',
          client_secret: hashedSecret(credential.secret.reveal()),
        }
  return { ...common, ...authentication } as AdapterPayload
}
