import { Controller } from '@nestjs/common';
import {
  type Actor,
  type Card,
  CardIdDto,
  cardIssuerContract,
  type CardPage,
  CardReasonCommand,
  IssueCardDto,
  ListCardsDto,
  UpdateCardCommand,
} from '@puerta/contracts';
import { BusContext, Handles } from '@puerta/messaging';
import { callOf } from './card-access';
import { CardStatesService } from './card-states.service';
import { CardsService } from './cards.service';

@Controller()
export class CardsMessages {
  constructor(
    private readonly cards: CardsService,
    private readonly states: CardStatesService,
  ) {}

  @Handles(cardIssuerContract, 'cards.issue')
  async issue(dto: IssueCardDto, context: BusContext<Actor>): Promise<Card> {
    return this.cards.issue(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.list')
  async list(dto: ListCardsDto, context: BusContext<Actor>): Promise<CardPage> {
    return this.cards.list(dto, callOf(context).actor);
  }

  @Handles(cardIssuerContract, 'cards.get')
  async get(dto: CardIdDto, context: BusContext<Actor>): Promise<Card> {
    return this.cards.get(dto.card_id, callOf(context).actor);
  }

  @Handles(cardIssuerContract, 'cards.update')
  async update(dto: UpdateCardCommand, context: BusContext<Actor>): Promise<Card> {
    return this.cards.update(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.suspend')
  async suspend(dto: CardReasonCommand, context: BusContext<Actor>): Promise<Card> {
    return this.states.suspend(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.reactivate')
  async reactivate(dto: CardReasonCommand, context: BusContext<Actor>): Promise<Card> {
    return this.states.reactivate(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.revoke')
  async revoke(dto: CardReasonCommand, context: BusContext<Actor>): Promise<Card> {
    return this.states.revoke(dto, callOf(context));
  }

  @Handles(cardIssuerContract, 'cards.rotate')
  async rotate(dto: CardReasonCommand, context: BusContext<Actor>): Promise<Card> {
    return this.states.rotate(dto, callOf(context));
  }
}
