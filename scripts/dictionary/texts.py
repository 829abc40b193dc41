"""Sentences as people and models write them, for the bodies and outlines of samples."""

from __future__ import annotations

PROMPTS = """\
What is the capital of France?
What's the weather like in San Francisco today?
Tell me a joke about programming.
Write a short story about a robot who learns to paint.
Summarize the following text in two sentences.
Explain how neural networks work to a five-year-old.
Translate the following sentence to Spanish: good morning, how are you?
You are a helpful assistant.
You are an expert Python programmer. Answer in JSON, with no other text.
Use the tools that are available to answer the user's question.
Extract the name and the age of each person from the text.
What is in this image? Describe it in detail.
Hello, how are you?
Say this is a test
Count from 1 to 10.
Write a haiku about the sea.
Write a function that returns the sum of two numbers.
Can you help me find a good restaurant near the hotel?
Classify the sentiment of this review as positive, negative or neutral.
Which of these cities has the largest population?
Think step by step before you give the final answer.
Please respond with a single word.
What is 2 + 2? What is the square root of 144?
Give me three ideas for a birthday present.
Search the web for the latest news on climate change.
Given the conversation so far, decide which agent should speak next.
""".splitlines()

ANSWERS = """\
The capital of France is Paris.
Hello! How can I help you today?
I'm sorry, but I can't assist with that request.
Here is a short summary of the text:
Here's a joke: why do programmers prefer dark mode? Because light attracts bugs.
It is sunny and warm in the city today, with a light wind from the west.
The answer is **42**. Let me know if you would like more information about this.
Sure! Here are some of the most important things to consider:
1. **First**, make sure that you have the right tools. 2. **Second**, start with something small.
This image shows a small dog that is sitting on a green field in front of a house.
I don't have access to real-time information, but I can help you with general questions.
Once upon a time, in a small village near the mountains, there lived a young girl named Lily.
Let me check the current weather for you.
I'll use the tool to look up the information that you need.
Based on the search results, the population of the city was about 8.3 million in 2023.
They ask about the weather in one place, so the weather tool comes first.
We need to answer the question. The user is asking for a simple answer, so keep it short.
As an AI language model, I don't have personal feelings or experiences, but I'm here to help.
In conclusion, there are many different ways to solve this problem, and each has its own costs.
However, it is important to note that these results can be different from what you expect.
A neural network is a type of machine learning model that is inspired by the human brain.
It works by passing data through layers of connected nodes, which learn from the examples.
To create a list in Python, you can use square brackets: `numbers = [1, 2, 3]`.
```python\\ndef add(a, b):\\n    return a + b\\n```
That's a great question! There are several reasons why this could be the case.
Yes, that is correct. No, that would not be possible without more data.
Red, orange, yellow, green, blue, indigo, violet.
January, February, March, April, May, June, July, August, September, October, November, December.
The quick brown fox jumps over the lazy dog.
You can find more details in the documentation, or feel free to ask me another question.
""".splitlines()

TOOLS = """\
get_weather: Get the current weather in a given location.
get_current_weather: Get the weather for a city.
get_current_time: Returns the current time in the given time zone.
search: Search the web for information about a query.
web_search: Search the internet and return the results.
calculator: Evaluate a mathematical expression and return the result.
add: Add two numbers together.
multiply: Multiplies two integers.
get_user_info: Get information about the user by name or id.
final_result: The final response which ends this conversation
send_email: Send an email to the recipient with a subject and a body.
read_file: Read the contents of a file at the specified path.
get_capital: Get the capital of a country.
""".splitlines()

PARAMETERS = """\
location: The city and state, e.g. San Francisco, CA
city: The name of the city
unit: The unit of temperature
query: The search query
expression: The mathematical expression to evaluate
name: The name of the person
country: The name of the country
path: The path to the file
a: The first number
b: The second number
date: The date in the format YYYY-MM-DD
message: The content of the message
""".splitlines()
