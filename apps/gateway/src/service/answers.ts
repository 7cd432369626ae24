import { ApiProperty } from '@nestjs/swagger';

export class Banner {
  @ApiProperty({ example: 'Puerta API Gateway is running!' })
  message: string;
}

export class Health {
  @ApiProperty({ enum: ['healthy'] })
  status: 'healthy';

  @ApiProperty({ example: 'Puerta API Gateway' })
  service: string;
}

export class ReadyStatus {
  @ApiProperty({ enum: ['ready', 'not_ready'] })
  status: 'ready' | 'not_ready';
}

export class JsonWebKey {
  @ApiProperty({ enum: ['EC'] })
  kty: 'EC';

  @ApiProperty({ enum: ['P-256'] })
  crv: 'P-256';

  @ApiProperty()
  x: string;

  @ApiProperty()
  y: string;

  @ApiProperty()
  kid: string;

  @ApiProperty({ enum: ['sig'] })
  use: 'sig';

  @ApiProperty({ enum: ['ES256'] })
  alg: 'ES256';
}

export class JsonWebKeySet {
  @ApiProperty({ type: [JsonWebKey] })
  keys: JsonWebKey[];
}
