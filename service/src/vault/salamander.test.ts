import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { recordBinding } from './binding.ts'
import { type Envelope, FORMAT, SUITE } from './envelope.ts'
import { gcmOpen } from './gcm.ts'
import { derive, readRecord } from './record.ts'
import type { RowKey } from './sealed.ts'

const row: RowKey = { purpose: 'oauth', record: 'r', field: 'f', version: 1 }
const kekName = 'local/oauth/1'

test('a ciphertext made to open under two data keys opens only under the one it commits to', () => {
  const [one, two] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))]
  const [salt, iv] = [randomBytes(32), randomBytes(12)]
  const [first, second] = [derive(one, salt), derive(two, salt)]
  const binding = recordBinding({ format: FORMAT, suite: SUITE, kekName }, row)
  const ciphertext = underBoth(Buffer.from(first.encryption), Buffer.from(second.encryption), iv, binding)

  // AES-GCM itself is content with either key: it is the commitment that refuses.
  expect(gcmOpen(first.encryption, iv, binding, ciphertext)).toHaveLength(16)
  expect(gcmOpen(second.encryption, iv, binding, ciphertext)).toHaveLength(16)

  const envelope: Envelope = {
    kekName,
    wrapped: new Uint8Array(),
    salt,
    commitment: first.commitment,
    iv,
    ciphertext,
  }
  expect(readRecord(row, envelope, one)).toHaveLength(16)
  expect(() => readRecord(row, envelope, two)).toThrow(expect.objectContaining({ code: 'vault.unopenable' }))
})

/**
 * One block X and a tag valid under both keys (Dodis, Grubbs, Ristenpart, Woodage 2018). With H the hash key,
 * tag = A(H) + X·H² + L·H + E(iv, 1): setting the two tags equal leaves one linear equation for X.
 */
function underBoth(one: Buffer, two: Buffer, iv: Buffer, additional: Uint8Array): Buffer {
  const [h1, h2] = [hashKey(one), hashKey(two)]
  const rest1 = ghashWithout(h1, additional) ^ mask(one, iv)
  const rest2 = ghashWithout(h2, additional) ^ mask(two, iv)
  const x = multiply(rest1 ^ rest2, inverse(multiply(h1, h1) ^ multiply(h2, h2)))
  const tag = rest1 ^ multiply(x, multiply(h1, h1))
  return Buffer.concat([bytes(x), bytes(tag)])
}

/** GHASH over the additional data, one block of zeros and the lengths: the tag's share that X has no part in. */
function ghashWithout(h: bigint, additional: Uint8Array): bigint {
  const padded = Buffer.concat([additional, Buffer.alloc((16 - (additional.length % 16)) % 16)])
  const lengths = Buffer.alloc(16)
  lengths.writeBigUInt64BE(BigInt(additional.length * 8))
  lengths.writeBigUInt64BE(128n, 8)
  const input = Buffer.concat([padded, Buffer.alloc(16), lengths])
  let hash = 0n
  for (let at = 0; at < input.length; at += 16) {
    hash = multiply(hash ^ integer(input.subarray(at, at + 16)), h)
  }
  return hash
}

function hashKey(key: Buffer): bigint {
  return aes(key, Buffer.alloc(16))
}

function mask(key: Buffer, iv: Buffer): bigint {
  return aes(key, Buffer.concat([iv, Buffer.from([0, 0, 0, 1])]))
}

function aes(key: Buffer, block: Buffer): bigint {
  return integer(createCipheriv('aes-256-ecb', key, null).update(block))
}

/** In GF(2^128) as GCM writes it: the first bit is the constant term (SP 800-38D §6.3). */
function multiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let factor = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) product ^= factor
    factor = factor & 1n ? (factor >> 1n) ^ (0xe1n << 120n) : factor >> 1n
  }
  return product
}

/** x^(2^128 - 2) */
function inverse(x: bigint): bigint {
  let result = 1n << 127n
  let power = x
  for (let i = 0; i < 127; i++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}

function integer(block: Buffer): bigint {
  return BigInt(`0x${block.toString('hex')}`)
}

function bytes(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}
