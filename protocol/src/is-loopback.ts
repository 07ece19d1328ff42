/**
 * True for a URL that never leaves this machine: `localhost`, `[::1]` and 127.0.0.0/8 (RFC 8252 §7.3, §8.3), nothing
 * else. The parser has made every spelling of an IPv4 address dotted.
 */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
