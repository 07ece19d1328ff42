import type { Revocation } from './revocation.ts'

/** The same answers, for those who go before they do: what listens through it ends with `close`. */
export function scopedRevocation(revocation: Revocation): {
  readonly revocation: Revocation
  readonly close: () => void
} {
  const ends = new Set<() => void>()
  return {
    revocation: {
      ...revocation,
      get current() {
        return revocation.current
      },
      listen(listener) {
        const end = revocation.listen(listener)
        ends.add(end)
        return () => {
          ends.delete(end)
          end()
        }
      },
    },
    close() {
      for (const end of ends) end()
      ends.clear()
    },
  }
}
