"""LangGraph: a graph of a model and its tools, which run in threads."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from sdks.way import Way

from frameworks.loop import TOOLS, declare

LOOPS: list[Way] = []
FRAMEWORK = "langgraph"

MODELS: dict[str, dict[str, Any]] = {
    "Chat Completions": {"model": "gpt-4o"},
    "Responses": {"model": "gpt-5", "use_responses_api": True},
}


def agent(**options: Any) -> Any:
    graphs, prebuilt = import_module("langgraph.graph"), import_module("langgraph.prebuilt")
    chat = import_module("langchain_openai").ChatOpenAI(api_key="test", **options)
    model = chat.bind_tools(TOOLS)

    def call(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    async def call_async(state: Any) -> Any:
        return {"messages": [await model.ainvoke(state["messages"])]}

    node = import_module("langchain_core.runnables").RunnableLambda(call, call_async)
    graph = graphs.StateGraph(graphs.MessagesState)
    graph.add_node("model", node)
    graph.add_node("tools", prebuilt.ToolNode(TOOLS))
    graph.add_edge(graphs.START, "model")
    graph.add_conditional_edges("model", prebuilt.tools_condition)
    graph.add_edge("tools", "model")
    return graph.compile()


def said(question: str, history: Any) -> Any:
    return {"messages": [*(history or []), ("user", question)]}


def read(state: Any) -> Any:
    return state["messages"][-1].text, state["messages"]


for api, options in MODELS.items():
    loop = partial(declare, LOOPS, FRAMEWORK, api, partial(agent, **options))

    @loop()
    def ask(agent: Any, question: str, history: Any) -> Any:
        return read(agent.invoke(said(question, history)))

    @loop()
    async def ask_async(agent: Any, question: str, history: Any) -> Any:
        return read(await agent.ainvoke(said(question, history)))

    @loop(streaming=True)
    def stream(agent: Any, question: str, history: Any) -> Any:
        # With "messages" the model is streamed, too.
        given = agent.stream(said(question, history), stream_mode=["messages", "values"])
        return read([value for mode, value in given if mode == "values"][-1])

    @loop(streaming=True)
    async def stream_async(agent: Any, question: str, history: Any) -> Any:
        given = agent.astream(said(question, history), stream_mode=["messages", "values"])
        return read([value async for mode, value in given if mode == "values"][-1])
