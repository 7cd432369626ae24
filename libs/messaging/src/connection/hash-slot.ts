const SLOTS = 16_384;

/** The slot of a key in a Redis Cluster: that of what stands in its first braces, if anything does, else of all of it. */
export function hashSlot(key: string): number {
  const [, tag] = /^[^{]*\{([^}]+)\}/s.exec(key) ?? [];
  return crc16(Buffer.from(tag ?? key)) % SLOTS;
}

/** CRC-16/XMODEM, which the specification of Redis Cluster asks for. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
