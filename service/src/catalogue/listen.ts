/** Where a process listens, which need not be where others reach it. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

const ADDRESS = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[A-Za-z0-9.-]+)):(?<port>[1-9]\d{0,4})$/

/** Reads `host:port`, an IPv6 address in brackets; undefined for anything else. */
export function parseListen(text: string): ListenAddress | undefined {
  const { v6, name, port } = ADDRESS.exec(text)?.groups ?? {}
  const host = v6 ?? name
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host, port: Number(port) }
}

/** What is wrong with `listen`, or undefined. */
export function listenProblem(text: string): string | undefined {
  if (parseListen(text) !== undefined) return undefined
  return 'Write an address of this machine and a port: 127.0.0.1:4000, [::1]:4000, 0.0.0.0:4000.'
}
