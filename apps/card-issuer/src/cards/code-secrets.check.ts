import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ConfigError } from '@puerta/config';
import { atBoot } from '@puerta/database';
import { DataSource } from 'typeorm';
import { CardEntity } from './card.entity';
import { CardCodes, hashCode } from '../codes/card-codes';

/**
 * Refuses to start with a CARD_ISSUER_CODE_SECRETS that does not fit the cards: without the secret that a printed code
 * was made with, its picture could not be drawn again; with another one under the same id, wrong pictures would be.
 */
@Injectable()
export class CodeSecretsCheck implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly codes: CardCodes,
  ) {}

  /** @throws ConfigError naming every secret that is missing or wrong */
  async onModuleInit(): Promise<void> {
    const samples = await atBoot(() => this.samples());
    const problems = samples.map((card) => this.problemWith(card)).filter((problem) => problem !== undefined);
    if (problems.length === 0) return;
    throw new ConfigError(
      'card-issuer',
      problems.map((problem) => ({ variable: 'CARD_ISSUER_CODE_SECRETS', problem })),
    );
  }

  private problemWith(card: CardEntity): string | undefined {
    const id = card.codeSecretId;
    if (!this.codes.knows(id))
      return `has no secret with the id "${id}", which codes of issued cards were made with; add it at the end`;
    const fits = hashCode(this.codes.codeOf(card)).equals(card.codeHash);
    return fits
      ? undefined
      : `has another secret under the id "${id}" than codes of issued cards were made with; put the former one back`;
  }

  /** One card of each secret in use. Walks the index from id to id: a million cards cost as much as one. */
  private async samples(): Promise<CardEntity[]> {
    const samples: CardEntity[] = [];
    for (let last = ''; ;) {
      const next = await this.dataSource.manager
        .createQueryBuilder(CardEntity, 'card')
        .where('card.codeSecretId > :last', { last })
        .orderBy('card.codeSecretId')
        .limit(1)
        .getOne();
      if (!next) return samples;
      samples.push(next);
      last = next.codeSecretId;
    }
  }
}
