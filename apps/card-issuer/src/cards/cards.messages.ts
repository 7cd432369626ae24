import { Controller } from '@nestjs/common';
import {
  type Card,
  CardIdDto,
  cardIssuerContract,
  type CardPage,
  CardReasonCommand,
  IssueCardDto,
  ListCardsDto,
  UpdateCardCommand,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Call } from '@puerta/service';
import { CardStatesService } from './card-states.service';
import { CardsService } from './cards.service';

@Controller()
export class CardsMessages {
  constructor(
    private readonly cards: CardsService,
    private readonly states: CardStatesService,
  ) {}

  @Handles(cardIssuerContract, 'cards.issue')
  async issue(dto: IssueCardDto, call: Call): Promise<Card> {
    return this.cards.issue(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.list')
  async list(dto: ListCardsDto, call: Call): Promise<CardPage> {
    return this.cards.list(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.get')
  async get(dto: CardIdDto, call: Call): Promise<Card> {
    return this.cards.get(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.update')
  async update(dto: UpdateCardCommand, call: Call): Promise<Card> {
    return this.cards.update(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.suspend')
  async suspend(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.states.suspend(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.reactivate')
  async reactivate(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.states.reactivate(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.revoke')
  async revoke(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.states.revoke(dto, call);
  }

  @Handles(cardIssuerContract, 'cards.rotate')
  async rotate(dto: CardReasonCommand, call: Call): Promise<Card> {
    return this.states.rotate(dto, call);
  }
}
