import { join } from 'node:path'
import { createDocuments, type Documents } from '#agents'
import { type Audit, openAudit } from '#audit'
import type { Catalogue } from '#catalogue'
import { createDiscovered, type Discovered, type Network } from '#egress'
import { createFamilies, createGrants, type Families, type Grants } from '#grants'
import type { Clock, Log, Secret } from '#kernel'
import { createFeed, type Feed, openRevocation, type Revocation, type Ticker } from '#revocation'
import type { Storage } from '#storage'
import { createTickets, type Tickets } from '#tickets'
import { openTokens, type Tokens } from '#tokens'
import { type Attempts, createAttempts } from '#users'
import { createVault, openLocalKeyring, proveKeyring, type Vault } from '#vault'

export interface GroundOptions {
  readonly storage: Storage
  readonly dataDirectory: string
  readonly clock: Clock
  readonly ticker?: Ticker | undefined
  readonly network?: Network | undefined
  readonly log: Log
  /** The catalogue in force: another after an edit. */
  readonly catalogue: () => Catalogue
}

/** What lives as long as the process: nothing of it is made anew, or forgets, when the catalogue is edited. */
export interface Ground extends GroundOptions {
  readonly issuer: string
  readonly vault: Vault
  readonly revocation: Revocation
  readonly feed: Feed
  readonly tokens: Tokens
  readonly audit: Audit
  readonly grants: Grants
  readonly families: Families
  readonly discovered: Discovered
  readonly documents: Documents
  readonly attempts: Attempts
  readonly tickets: Tickets
  readonly cookieKey: Secret<Uint8Array>
  readonly refreshKey: Secret<Uint8Array>
}

/** Opens it on an open storage, which stays its caller's to close. */
export async function openGround(options: GroundOptions): Promise<Ground> {
  const { storage, dataDirectory, clock, ticker, network, log, catalogue } = options
  const { publicUrl: issuer } = catalogue()
  const keyring = await openLocalKeyring({ file: join(dataDirectory, 'keyring.json') })
  const { secrets, partitionKeys } = storage
  const vault = createVault({ keyring, secrets, partitionKeys, clock })
  await proveKeyring(vault)
  const { revocations, wakeUp } = storage
  const revocation = await openRevocation({ store: revocations, wakeUp, clock, ticker, log })
  const tokens = await openTokens({
    issuer,
    store: storage.signingKeys,
    vault,
    revocation,
    clock,
    algorithm: () => catalogue().tokens.algorithm,
  })
  const audit = await openAudit({
    store: storage.bundles,
    leases: storage.leases,
    alone: !storage.shared,
    vault,
    clock,
    log,
  })
  const discovered = createDiscovered(network === undefined ? {} : { network })
  const grants = createGrants({ store: storage.grants, revocation, clock })
  return {
    ...options,
    issuer,
    vault,
    revocation,
    feed: createFeed({ revocation }),
    tokens,
    audit,
    grants,
    families: createFamilies({ store: storage.families, grants, revocation, clock }),
    discovered,
    documents: createDocuments({
      hosts: () => catalogue().registration.documentHosts,
      discovered,
      met: async (id) => (await storage.agents.find(id)) !== undefined,
      clock,
    }),
    attempts: createAttempts({ clock, log }),
    tickets: createTickets({ key: await vault.keep('tickets'), clock }),
    cookieKey: await vault.keep('cookies'),
    refreshKey: await vault.keep('refresh-tokens'),
  }
}
