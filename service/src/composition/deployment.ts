import { createHash } from 'node:crypto'
import type { Agents } from '#agents'
import { type Catalogue, type Fixed, type LoadedCatalogue, standingOf } from '#catalogue'
import type { Handler, Routes } from '#http'
import type { Standing } from '#revocation'

/** A catalogue as it was read, and what tells it from another. */
export interface Edition {
  readonly catalogue: Catalogue
  readonly fixed: Fixed
  readonly warnings: readonly string[]
  /** SHA-256 of the text, in hex. */
  readonly digest: string
  readonly standing: readonly Standing[]
}

export function editionOf(text: string, loaded: LoadedCatalogue): Edition {
  const digest = createHash('sha256').update(text).digest('hex')
  return { ...loaded, digest, standing: standingOf(loaded.catalogue) }
}

/** What is built from one catalogue, whole: it is served from one moment on, and until the last request that it began ends. */
export interface Deployment {
  readonly edition: Edition
  readonly routes: Routes
  readonly operators: Handler
  readonly agents: Agents
  /** Gives free what it holds. Nothing of it is used afterwards. */
  readonly close: () => Promise<void>
}
