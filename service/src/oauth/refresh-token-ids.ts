import { createHmac, timingSafeEqual } from 'node:crypto'
import { randomToken, type Secret } from '#kernel'

/**
 * What a refresh token looks like: the login it is for, 256 random bits, and a mark that only we can put there. Every use
 * leads to one next token, the same for whoever uses it at the same moment and in whatever process. By the mark a token
 * is known as ours when its row is long forgotten: that it was used before needs no row for each use.
 */
export interface RefreshTokenIds {
  /** The first of a login. */
  first(family: string): string
  /** What a token becomes when it is used. */
  after(token: string): string
  /** The login that a token was made for, used or not; undefined for one that we did not make. */
  familyOf(token: string): string | undefined
}

export function createRefreshTokenIds(key: Secret<Uint8Array>): RefreshTokenIds {
  const mac = (...parts: readonly string[]) =>
    createHmac('sha256', key.reveal()).update(JSON.stringify(parts)).digest()
  const marked = (family: string, random: string) => {
    const mark = mac('mark', family, random).subarray(0, 16)
    return `${family}.${random}.${mark.toString('base64url')}`
  }
  const familyOf = (token: string) => {
    const [family, random] = token.split('.')
    if (family === undefined || random === undefined) return undefined
    return equal(token, marked(family, random)) ? family : undefined
  }
  return {
    first: (family) => marked(family, randomToken()),
    after(token) {
      const family = familyOf(token)
      if (family === undefined) throw new TypeError('only a refresh token of ours has a successor')
      return marked(family, mac('next', token).toString('base64url'))
    },
    familyOf,
  }
}

function equal(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
