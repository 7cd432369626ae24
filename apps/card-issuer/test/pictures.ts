import sharp from 'sharp';

export interface PictureOptions {
  readonly format?: 'jpeg' | 'png' | 'webp';
  readonly width?: number;
  readonly height?: number;
}

/** A picture of noise, so that its file is not small. */
export function picture({ format = 'jpeg', width = 120, height = 160 }: PictureOptions = {}): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
  return sharp({ create: { width, height, channels: 3, background: '#808080', noise } })
    .toFormat(format)
    .toBuffer();
}
