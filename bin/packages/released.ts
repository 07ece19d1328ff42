/** A package that is released, and where its code begins. */
export interface Released {
  readonly folder: string
  readonly entries: readonly string[]
  /** Whether code of others imports it: then it carries types, and the sources to which they lead. */
  readonly imported: boolean
  /**
   * What its oldest Node offers: `es2024` and 24 go together, and so do `es2023` with the well-formed strings and 20.
   * Whatever is newer does not compile.
   */
  readonly target: string
  readonly lib: readonly string[]
}

const onNode20 = { imported: true, target: 'es2022', lib: ['es2023', 'es2024.string'] }

export const released: readonly Released[] = [
  { folder: 'protocol', entries: ['index.ts'], ...onNode20 },
  { folder: 'server-sdk', entries: ['index.ts'], ...onNode20 },
  { folder: 'agent-sdk', entries: ['index.ts'], ...onNode20 },
  {
    folder: 'service',
    // The thread is started by its file, not imported.
    entries: ['cli/run.ts', 'storage/sqlite/worker.ts'],
    imported: false,
    target: 'es2024',
    lib: ['es2024', 'esnext.collection', 'esnext.disposable'],
  },
]
