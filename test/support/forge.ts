import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompactSign, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose'
import { openRevocation } from '../../service/src/revocation/index.ts'
import { openStorage } from '../../service/src/storage/index.ts'
import { type KeySet, openTokens } from '../../service/src/tokens/index.ts'
import { createVault, openLocalKeyring } from '../../service/src/vault/index.ts'
import type { World } from './world.ts'

/** Signs with the service's own key what the service would never sign. */
export interface Forge {
  readonly kid: string
  readonly publicJwk: JWK
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>
  /** Signs a payload as it is written, whether JSON reads it one way or several. */
  signText(payload: string): Promise<string>
}

/** Takes the signing key out of a copy of a world's data directory: the original belongs to the running service. */
export async function openForge({ dataDirectory, publicUrl, clock }: World): Promise<Forge> {
  const directory = await mkdtemp(join(tmpdir(), 'tetrapod-copy-'))
  const isFile = (source: string) => !source.endsWith('.sock')
  await cp(dataDirectory, directory, { recursive: true, filter: isFile })
  const storage = await openStorage({ directory })
  try {
    const keyring = await openLocalKeyring({ file: join(directory, 'keyring.json') })
    const { secrets, partitionKeys, signingKeys: store, revocations } = storage
    const vault = createVault({ keyring, secrets, partitionKeys, clock })
    const revocation = await openRevocation({ store: revocations, clock })
    const deps = { store, vault, revocation, clock, algorithm: () => 'ES256' as const }
    const { signing } = await (await openTokens({ issuer: publicUrl, ...deps })).keys.current()
    revocation.close()
    return await forgeWith(signing)
  } finally {
    await storage.close()
    await rm(directory, { recursive: true, force: true })
  }
}

async function forgeWith({ kid, algorithm: alg, privateJwk, publicJwk }: KeySet['signing']): Promise<Forge> {
  const key = await importJWK(privateJwk, alg)
  return {
    kid,
    publicJwk,
    sign(claims, header = {}) {
      return new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid, ...header }).sign(key)
    },
    signText(payload) {
      const protectedHeader = { alg, typ: 'at+jwt', kid }
      return new CompactSign(Buffer.from(payload)).setProtectedHeader(protectedHeader).sign(key)
    },
  }
}
