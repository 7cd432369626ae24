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

  @ApiProperty({ example: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU' })
  x: string;

  @ApiProperty({ example: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' })
  y: string;

  @ApiProperty({ example: 'Zk3vT9' })
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
